// Loaded by `node --require` into node's test runner and the processes that it starts, one for
// each test file. A test file that calls process.exit(0) would count as one passed test, and the
// tests behind the call as none; here it fails. Processes that tests start are left alone: only
// a direct child of the runner is a test file.
'use strict';

const RUNNER = 'KILN_TEST_RUNNER_PID';
const leave = process.reallyExit;

if (!process.env.NODE_TEST_CONTEXT) {
  process.env[RUNNER] = String(process.pid);
} else if (process.env[RUNNER] === String(process.ppid)) {
  process.reallyExit = (code) => {
    process.stderr.write('process.exit() was called while tests were running\n');
    leave.call(process, code || 70);
  };
}
