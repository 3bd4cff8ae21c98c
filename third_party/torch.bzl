"""The LibTorch repository: Debian's libtorch-dev, or the folder that $LIBTORCH names."""

_BUILD = """cc_library(
    name = "torch",
    hdrs = {hdrs},
    includes = {includes},
    copts = [],
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
"""

def _torch_impl(ctx):
    root = ctx.os.environ.get("LIBTORCH", "")
    libraries = ["-ltorch", "-ltorch_cpu", "-lc10"]
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    if not root:
        # Debian's headers lie in the compiler's own search path, except the C++ front end's.
        ctx.file("BUILD", _BUILD.format(hdrs = [], includes = [], linkopts = ["-Wl,--no-as-needed"] + libraries + ["-Wl,--as-needed"]))
        return
    if not ctx.path(root + "/include/ATen/ATen.h").exists:
        fail("LIBTORCH=%s: no include/ATen/ATen.h there; name the root of a LibTorch 1.13 or newer, or unset LIBTORCH" % root)
    ctx.symlink(root + "/include", "include")
    if ctx.path(root + "/lib/libtorch_cuda.so").exists:
        libraries = ["-ltorch_cuda", "-lc10_cuda"] + libraries
    ctx.file("BUILD", ("package(features = [\"-layering_check\"])\n" + _BUILD).format(
        hdrs = "glob([\"include/**\"])",
        includes = ["include", "include/torch/csrc/api/include"],
        linkopts = ["-L%s/lib" % root, "-Wl,-rpath,%s/lib" % root, "-Wl,--no-as-needed"] + libraries + ["-Wl,--as-needed"],
    ))

torch_repository = repository_rule(implementation = _torch_impl, environ = ["LIBTORCH"], local = True)
