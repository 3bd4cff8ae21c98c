"""Targets that run experiments: bazel run //experiments:NAME -- --profile=..."""

def experiment(name, experiments = None, tables = None, study = None):
    """A runnable target for one experiment, or for several that make a report.

    Args:
      name: of the target and of the report's files.
      experiments: names of specs in this folder; default: the target's own name.
      tables: the paper's tables to compare with; default: the experiments'.
      study: what to run instead of experiments: "sensitivity" or "ablation".
    """
    if study:
        what = "--study=" + study
    else:
        what = "--experiments=" + ",".join(experiments or [name])
    native.sh_binary(
        name = name,
        srcs = ["run.sh"],
        args = [
            "$(location :yoloq)",
            what,
            "--report=" + name,
        ] + (["--tables=" + ",".join(tables)] if tables else []),
        data = [":yoloq"],
    )
