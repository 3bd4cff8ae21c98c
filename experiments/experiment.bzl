"""Targets that run experiments: bazel run //experiments:NAME -- --profile=..."""

def experiment(name, experiments = None, table = None):
    """A runnable target for one experiment, or for several that make a report.

    Args:
      name: of the target and of the report's files.
      experiments: names of specs in this folder; default: the target's own name.
      table: the paper's table to compare with; default: the first experiment's.
    """
    native.sh_binary(
        name = name,
        srcs = ["run.sh"],
        args = [
            "$(location :yoloq)",
            "--experiments=" + ",".join(experiments or [name]),
            "--report=" + name,
        ] + (["--table=" + table] if table else []),
        data = [":yoloq"],
    )
