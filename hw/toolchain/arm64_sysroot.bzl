"""Finds the arm64 sysroot that tools/setup assembles; the cross toolchain depends on what this makes."""

_MISSING = """genrule(
    name = "sysroot",
    outs = ["missing"],
    cmd = "echo '%s' >&2; exit 1",
    visibility = ["//visibility:public"],
)
"""

_FOUND = """filegroup(
    name = "sysroot",
    visibility = ["//visibility:public"],
)
"""

def _arm64_sysroot_impl(ctx):
    environ = ctx.os.environ
    cache = environ.get("XDG_CACHE_HOME") or environ.get("HOME", "/root") + "/.cache"
    folder = ctx.path(cache + "/yoloq/arm64_sysroot")
    missing = ""
    if not folder.get_child(".recipe").exists:
        missing = "the cross build has no sysroot at %s" % folder
    elif not ctx.which("aarch64-linux-gnu-g++"):
        missing = "the cross build has no aarch64-linux-gnu-g++"
    elif not ctx.which("qemu-aarch64-static"):
        missing = "the cross build has no qemu-aarch64-static"

    # The link's target has the digest of the packages in its name, so that a
    # new sysroot changes every command line.
    root = str(folder.realpath) if not missing else "/missing"
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("BUILD", _MISSING % (missing + ": run tools/setup, then: bazel shutdown") if missing else _FOUND)
    ctx.file("defs.bzl", "\"\"\"Where the sysroot lies.\"\"\"\n\nSYSROOT = \"%s\"\n" % root)

# Ordinary builds never need the sysroot: when it is missing, only what is built
# with the cross toolchain fails, and says what to do.
arm64_sysroot_repository = repository_rule(
    implementation = _arm64_sysroot_impl,
    environ = ["HOME", "XDG_CACHE_HOME"],
    local = True,
)
