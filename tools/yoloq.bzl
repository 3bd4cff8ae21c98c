"""The rules of this tree: thin macros that hold its policy (warnings, tags, real data).

Use these in place of cc_library, cc_binary and cc_test in every BUILD file.
"""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_proto_library", "cc_test")
load("@rules_proto//proto:defs.bzl", "proto_library")
load("@shared_data//:defs.bzl", "SHARED_ROOT")
load("//hw/toolchain:arm64.bzl", "arm64_test")

# Warnings are errors for our code; system headers and generated code are not ours.
_COPTS = ["-Wall", "-Wextra", "-Werror", "-Wno-sign-compare"]

# Debian's LibTorch keeps the C++ front end's headers here.
_TORCH_COPTS = ["-isystem", "/usr/include/torch/csrc/api/include"]

# Debian's OpenCV.
_OPENCV_COPTS = ["-isystem", "/usr/include/opencv4"]

def _copts(deps, copts):
    extra = []
    if type(deps) != type([]):
        return _COPTS + copts  # with a select(): never LibTorch or OpenCV
    if "//third_party:torch" in deps:
        extra += _TORCH_COPTS
    if "//third_party:opencv_imgcodecs" in deps or "//third_party:opencv_imgproc" in deps:
        extra += _OPENCV_COPTS
    return _COPTS + extra + copts

def yoloq_cc_library(name, deps = [], copts = [], **kwargs):
    """A library, linked statically: a shared one beside it would compile all sources twice."""
    cc_library(
        name = name,
        copts = _copts(deps, copts),
        linkstatic = True,
        deps = deps,
        **kwargs
    )

def yoloq_cc_binary(name, deps = [], copts = [], **kwargs):
    cc_binary(name = name, deps = deps, copts = _copts(deps, copts), **kwargs)

def yoloq_cc_test(name, deps = [], copts = [], env = {}, size = "small", **kwargs):
    """A GoogleTest. Tests of real data find them through $YOLOQ_SHARED and skip without."""
    cc_test(
        name = name,
        size = size,
        copts = _copts(deps, copts),
        deps = deps + ["//third_party:gtest_main"],
        env = dict(env, YOLOQ_SHARED = SHARED_ROOT),
        linkstatic = True,
        **kwargs
    )

def yoloq_arm64_test(name, test, env = {}, size = "small", tags = [], **kwargs):
    """Runs the yoloq_cc_test `test` as the device does: built for aarch64, on an emulated Cortex-A53."""
    arm64_test(name = name, test = test, env = env, size = size, tags = tags + ["arm64"], **kwargs)

def yoloq_cc_benchmark(name, deps = [], copts = [], **kwargs):
    """A Google Benchmark program with its own BENCHMARK_MAIN()."""
    cc_binary(
        name = name,
        copts = _copts(deps, copts),
        deps = deps + ["//third_party:benchmark"],
        tags = ["manual"],
        **kwargs
    )

def yoloq_proto_library(name, srcs, deps = [], visibility = None):
    """name: the C++ library of the .proto files; name + "_schema": the proto_library.

    deps: other targets of this rule.
    """
    proto_library(
        name = name + "_schema",
        srcs = srcs,
        deps = [dep + "_schema" for dep in deps],
        visibility = visibility,
    )
    cc_proto_library(name = name, deps = [":" + name + "_schema"], visibility = visibility)

def yoloq_fuzz_test(name, srcs, deps = [], corpus = []):
    """A libFuzzer target.

    With --config=fuzz it is the fuzzer itself. Otherwise it is a test that
    replays the corpus and a fixed number of seeded mutations of it, so that
    `bazel test //...` exercises every target with the ordinary compiler.
    """
    cc_test(
        name = name,
        size = "small",
        srcs = srcs + select({
            "//tools:fuzzing": [],
            "//conditions:default": ["//tools:fuzz_replay_main.cc"],
        }),
        copts = _COPTS,
        data = corpus,
        args = ["$(locations %s)" % label for label in corpus],
        deps = deps,
        linkstatic = True,
        tags = ["fuzz"],
    )
