"""Finds the real data that some tests read in place: $YOLOQ_SHARED, or ../shared beside the checkout."""

def _shared_data_impl(ctx):
    root = ctx.os.environ.get("YOLOQ_SHARED", "")
    if not root:
        beside = ctx.path(Label("//:WORKSPACE")).dirname.dirname.get_child("shared")
        root = str(beside) if beside.exists else ""
    ctx.file("WORKSPACE", "workspace(name = \"%s\")\n" % ctx.name)
    ctx.file("BUILD", "")
    ctx.file("defs.bzl", "\"\"\"Where the shared data lie; empty when there are none.\"\"\"\n\nSHARED_ROOT = \"%s\"\n" % root)

shared_data_repository = repository_rule(implementation = _shared_data_impl, environ = ["YOLOQ_SHARED"], local = True)
