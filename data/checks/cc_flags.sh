# shellcheck shell=sh
# To be sourced: from here on, compilers are called with more flags, whatever build system calls
# them: $KILN_CFLAGS for C and $KILN_CXXFLAGS for C++. They are set behind this line, after the
# build has been configured, so that what a configure step tries out isn't disturbed.
mkdir "$TMPDIR/bin" || exit 70
for name in cc gcc c99 clang c++ g++ clang++; do
    real=$(command -v "$name") || continue
    # shellcheck disable=SC2016 # these are for the script that is written here
    case $name in *++) flags='$KILN_CXXFLAGS' ;; *) flags='$KILN_CFLAGS' ;; esac
    printf '#!/bin/sh\nexec %s "$@" %s\n' "$real" "$flags" >"$TMPDIR/bin/$name"
    chmod +x "$TMPDIR/bin/$name"
done
PATH=$TMPDIR/bin:$PATH
export PATH KILN_CFLAGS KILN_CXXFLAGS
