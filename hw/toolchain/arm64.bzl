"""The device's build of a target inside an ordinary build, and running it under emulation."""

load("@arm64_sysroot//:defs.bzl", "SYSROOT")
load("@shared_data//:defs.bzl", "SHARED_ROOT")

_PLATFORM = {
    "//command_line_option:platforms": "//hw/toolchain:pi3",
    "//command_line_option:platform_suffix": "-pi3",
}

# The same settings as --config=pi3 (.bazelrc).
_DEVICE = dict(_PLATFORM, **{
    "//command_line_option:proto_toolchain_for_cc": "@com_google_protobuf//:cc_lite_toolchain",
})

def _device_impl(_settings, _attr):
    return _DEVICE

_device = transition(implementation = _device_impl, inputs = [], outputs = _DEVICE.keys())

def _test_impl(_settings, _attr):
    return _PLATFORM

# Tests may use the full protobuf library (text format).
_test = transition(implementation = _test_impl, inputs = [], outputs = _PLATFORM.keys())

# The script lies at a known depth below the root of the runfiles, or beside
# them when it is run from where it was built.
_EMULATE = """#!/usr/bin/env bash
set -euo pipefail
self=$0
[[ $self == /* ]] || self=./$self
root=$self.runfiles/{workspace}
[[ -d $root ]] || root=${{self%{own_path}}}
exec qemu-aarch64-static -cpu cortex-a53 -L {sysroot} "$root/{program}" "$@"
"""

def _emulate(ctx, program_path, runfiles):
    script = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(script, is_executable = True, content = _EMULATE.format(
        own_path = "/" + script.short_path,
        program = program_path,
        sysroot = SYSROOT,
        workspace = ctx.workspace_name,
    ))
    return DefaultInfo(executable = script, runfiles = runfiles)

def _arm64_test_impl(ctx):
    test = ctx.attr.test[0][DefaultInfo]
    program = test.files_to_run.executable
    environment = testing.TestEnvironment(dict(ctx.attr.env, YOLOQ_SHARED = SHARED_ROOT))
    runfiles = ctx.runfiles(files = [program]).merge(test.default_runfiles)
    return [_emulate(ctx, program.short_path, runfiles), environment]

_TRANSITION = {
    "_allowlist_function_transition": attr.label(default = "@bazel_tools//tools/allowlists/function_transition_allowlist"),
}

arm64_test = rule(
    implementation = _arm64_test_impl,
    doc = "Runs a cc_test's device build on an emulated Cortex-A53. Use it through yoloq_arm64_test.",
    attrs = dict(_TRANSITION, test = attr.label(mandatory = True, cfg = _test), env = attr.string_dict()),
    test = True,
)

def _arm64_bundle_impl(ctx):
    program = ctx.executable.program
    bundle = ctx.actions.declare_directory(ctx.label.name)
    libraries = ["%s/usr/lib/aarch64-linux-gnu/%s" % (SYSROOT, name) for name in ctx.attr.libraries]
    ctx.actions.run_shell(
        inputs = [program],
        outputs = [bundle],
        # Libraries of the sysroot are links and lie in one of two folders.
        command = """set -eu
bundle=$1 program=$2
shift 2
aarch64-linux-gnu-strip -o "$bundle/$(basename "$program")" "$program"
for library; do
  [ -e "$library" ] || library=$(echo "$library" | sed 's,/usr/lib/,/lib/,')
  aarch64-linux-gnu-strip --strip-unneeded -o "$bundle/$(basename "$library")" "$library"
done
""",
        arguments = [bundle.path, program.path] + libraries,
        mnemonic = "Arm64Bundle",
    )
    return DefaultInfo(files = depset([bundle]), runfiles = ctx.runfiles(files = [bundle]))

arm64_bundle = rule(
    implementation = _arm64_bundle_impl,
    doc = "A folder with a program's device build and the shared libraries beside glibc that it needs, stripped.",
    attrs = dict(
        _TRANSITION,
        program = attr.label(mandatory = True, cfg = _device, executable = True),
        libraries = attr.string_list(doc = "File names (sonames) of libraries of the sysroot."),
    ),
)

def _arm64_emulated_impl(ctx):
    bundle = ctx.file.bundle
    runfiles = ctx.runfiles(files = [bundle])
    return _emulate(ctx, "%s/%s" % (bundle.short_path, ctx.attr.program), runfiles)

arm64_emulated = rule(
    implementation = _arm64_emulated_impl,
    doc = "Runs a bundle's program on an emulated Cortex-A53, with the arguments that it is given.",
    attrs = {
        "bundle": attr.label(mandatory = True, allow_single_file = True),
        "program": attr.string(mandatory = True, doc = "The name of the program's file in the bundle."),
    },
    executable = True,
)
