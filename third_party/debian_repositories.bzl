"""Repositories that Bazel 4.2.3 would otherwise download, made from Debian's packages."""

def _link_all(ctx, source, skip = []):
    """Links every entry of the folder `source` into the repository, except those named in skip."""
    for entry in ctx.path(source).readdir():
        if entry.basename not in skip:
            ctx.symlink(entry, entry.basename)

def _rules_cc_impl(ctx):
    # Debian's rules_cc is newer than Debian's Bazel: its cc/defs.bzl loads
    # symbols that bazel_tools of 4.2.3 lacks. Forward to the native rules.
    root = "/usr/share/bazel/rules/cc"
    _link_all(ctx, root, skip = ["cc", "WORKSPACE"])
    ctx.file("WORKSPACE", "workspace(name = \"rules_cc\")\n")
    for entry in ctx.path(root + "/cc").readdir():
        if entry.basename != "defs.bzl":
            ctx.symlink(entry, "cc/" + entry.basename)
    rules = ["cc_binary", "cc_import", "cc_library", "cc_proto_library", "cc_test", "cc_toolchain", "cc_toolchain_suite", "objc_library"]
    ctx.file("cc/defs.bzl", "\n".join(["%s = native.%s" % (rule, rule) for rule in rules]) + "\n")

_rules_cc = repository_rule(implementation = _rules_cc_impl, local = True)

def _linked_impl(ctx):
    _link_all(ctx, ctx.attr.path)

_linked = repository_rule(implementation = _linked_impl, local = True, attrs = {"path": attr.string(mandatory = True)})

def _protobuf_impl(ctx):
    ctx.file("WORKSPACE", "workspace(name = \"com_google_protobuf\")\n")
    ctx.file("protoc.sh", "#!/bin/sh\nexec /usr/bin/protoc \"$@\"\n", executable = True)
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])

sh_binary(name = "protoc", srcs = ["protoc.sh"])

cc_library(name = "protobuf", linkopts = ["-lprotobuf", "-lpthread"])

proto_lang_toolchain(
    name = "cc_toolchain",
    blacklisted_protos = [],
    command_line = "--cpp_out=$(OUT)",
    runtime = ":protobuf",
)

# Messages without descriptors and text format, for the device.
cc_library(name = "protobuf_lite", linkopts = ["-lprotobuf-lite", "-lpthread"])

proto_lang_toolchain(
    name = "cc_lite_toolchain",
    blacklisted_protos = [],
    command_line = "--cpp_out=lite:$(OUT)",
    runtime = ":protobuf_lite",
)
""")

_protobuf = repository_rule(implementation = _protobuf_impl)

def _coverage_tools_impl(ctx):
    # `bazel test` resolves this target even when no coverage is collected.
    ctx.file("WORKSPACE", "workspace(name = \"remote_coverage_tools\")\n")
    ctx.file("none.sh", "#!/bin/sh\nexit 0\n", executable = True)
    ctx.file("BUILD", "sh_binary(name = \"coverage_report_generator\", srcs = [\"none.sh\"], visibility = [\"//visibility:public\"])\n")

_coverage_tools = repository_rule(implementation = _coverage_tools_impl)

def debian_repositories():
    """Declares every repository that Bazel's own rules look for."""
    _rules_cc(name = "rules_cc")
    _linked(name = "rules_java", path = "/usr/share/bazel/rules/java")
    _linked(name = "rules_proto", path = "/usr/share/bazel/rules/proto")
    _linked(name = "platforms", path = "/usr/share/bazel/platforms")
    _linked(name = "bazel_skylib", path = "/usr/share/bazel/tools/skylib")
    _protobuf(name = "com_google_protobuf")
    _coverage_tools(name = "remote_coverage_tools")
