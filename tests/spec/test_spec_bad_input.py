"""Protects the error messages: all wrong input costs one exact line with file, line, path and what is allowed."""

from collections.abc import Callable

import pytest

SECTIONS = "name, question, data, model, objective, training, sweep"
SIGNS = "diverged, collapsed, posterior_collapsed, mode_collapsed, critic_stopped"
SETTINGS = (
    "metric, mode, arms, trials, budget, seed, search, stopping, finals, evaluation, checkpoints, failures, resources, "
    "workers, study"
)
NAME_RULE = "must be 1 to 64 letters, digits, dots, _ or -, the first a letter or a digit"
KEY_RULE = "must be 1 to 64 letters, digits, _ or -"

FILES = [
    ("empty", "", "s.yaml: is empty"),
    ("only a comment", "# nothing\n", "s.yaml: is empty"),
    ("a list", "[1]", f"s.yaml:1: found [1]; must be a mapping of {SECTIONS}"),
    ("a number", "\n3", f"s.yaml:2: found 3; must be a mapping of {SECTIONS}"),
    ("two documents", "a: 1\n---\nb: 2", "s.yaml:2: found a second document; a file holds one"),
    ("tab first", "\tname: x", "s.yaml:1: found a tab; indent with spaces"),
    ("tab inside", "model:\n\tname: x", "s.yaml:2: found a tab; indent with spaces"),
    (
        "open bracket",
        "a: [1, 2\nb: 3",
        "s.yaml:2: not readable as YAML: while parsing a flow sequence, expected ',' or ']', but got ':'",
    ),
    ("two colons", "a: b: c", "s.yaml:1: not readable as YAML: mapping values are not allowed here"),
    (
        "open quote",
        "a: 'x",
        "s.yaml:1: not readable as YAML: while scanning a quoted scalar, found unexpected end of stream",
    ),
    ("control character", "a: 1\nb: \x00", "s.yaml:2: found the control character U+0000"),
    ("alias of nothing", "a: *b", "s.yaml:1: found an alias without its anchor"),
    ("no such letter", 'a: "\\UFFFFFFFF"', "s.yaml:1: not readable as YAML: found an escape for no letter"),
    ("half a letter", 'a: "\\ud800"', "s.yaml:1: a: found half of a surrogate pair; must be valid Unicode"),
    ("too deep", "[" * 100, "s.yaml:1: not readable as YAML: found more than 40 levels of nesting"),
    ("alias of itself", "a: &a [*a]", "s.yaml:1: a.0: found an alias inside of its own anchor"),
    ("merge of itself", "a: &a {<<: *a}", "s.yaml:1: a: found an alias inside of its own anchor"),
    (
        "merge of a number",
        "a: {<<: 3}",
        "s.yaml:1: a: found << with something else; must merge a mapping or a list of them",
    ),
    ("list as a key", "? [a]\n: 3", "s.yaml:1: found a list or a mapping as a key; must be a name"),
    ("key twice", "a: 1\nb: 2\na: 3", "s.yaml:3: found the key 'a' twice, first on line 1"),
    ("nested key twice", "a:\n  b: 1\n  'b': 2", "s.yaml:3: a: found the key 'b' twice, first on line 2"),
    ("key with a space", "a: 1\na b: 3", f"s.yaml:2: found the key 'a b'; {KEY_RULE}"),
    ("key with a dot", "a: {b.c: 3}", f"s.yaml:1: a: found the key 'b.c'; {KEY_RULE}"),
    ("key not in ASCII", "größe: 3", f"s.yaml:1: found the key 'größe'; {KEY_RULE}"),
]


@pytest.mark.parametrize(("text", "message"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
def test_files_that_cannot_be_read(complaint: Callable[..., str], text: str, message: str) -> None:
    assert complaint(text) == message


VALUES = [
    ("!!python/object/apply:os.system ['ls']", ": found the tag !!python/object/apply:os.system; must be plain YAML"),
    ("!mine 3", ": found the tag !mine; must be plain YAML"),
    ("!!binary aaaa", ": found the tag !!binary; must be plain YAML"),
    ("!!null x", ": found x; must be null"),
    ("no", ": found no, which YAML takes for a boolean; write 'no' in quotes or true/false"),
    ("Off", ": found Off, which YAML takes for a boolean; write 'Off' in quotes or true/false"),
    ("[1, on]", ".1: found on, which YAML takes for a boolean; write 'on' in quotes or true/false"),
    (".inf", ": found .inf; must be a finite decimal number"),
    (".nan", ": found .nan; must be a finite decimal number"),
    ("1e999", ": found 1e999; must be a finite decimal number"),
    ("010", ": found 010; must be a decimal integer without leading zeros, or '010' in quotes"),
    ("1:30", ": found 1:30; must be a decimal integer without leading zeros, or '1:30' in quotes"),
    ("0x1F", ": found 0x1F; must be a decimal integer without leading zeros, or '0x1F' in quotes"),
    ("1" * 40, ": found an integer of 40 digits; must have at most 18"),
    ("{float: 3}", ": found float: 3; must be [low, high], two numbers"),
    ("{float: []}", ": found float: []; must be [low, high], two numbers"),
    ("{float: [1]}", ": found float: [1]; must be [low, high], two numbers"),
    ("{float: [1, 2, 3]}", ": found float: [1, 2, 3]; must be [low, high], two numbers"),
    ("{float: [a, 1]}", ': found float: ["a", 1]; must be [low, high], two numbers'),
    ("{float: [true, 1]}", ": found float: [true, 1]; must be [low, high], two numbers"),
    ("{float: [2, 1]}", ": found low 2.0 above high 1.0; must be low <= high"),
    ("{float: [0, 1], log: true}", ": found low 0.0 with log: true; must be > 0"),
    ("{float: [1, 2], log: true, step: 0.5}", ": found step 0.5 with log: true; must be one of the two"),
    ("{float: [0, 1], log: 1}", ": found log: 1; must be true or false"),
    ("{float: [0, 1], step: 0}", ": found step 0.0; must be > 0"),
    ("{float: [0, 1], step: x}", ': found step: "x"; must be a number'),
    ("{float: [0, 1], step: 0.3}", ": found high 1.0 between steps of 0.3; must be on a step, such as 0.9"),
    ("{float: [0, 1], lgo: true}", '.lgo: found "lgo"; must be one of float, log, step; did you mean log?'),
    ("{float: [0, 1], int: [0, 1]}", '.int: found "int"; must be one of float, log, step'),
    ("{int: null}", ": found int: null; must be [low, high], two integers"),
    ("{int: [1.5, 2]}", ": found int: [1.5, 2]; must be [low, high], two integers"),
    ("{int: [1, 1e3]}", ": found int: [1, 1000.0]; must be [low, high], two integers"),
    ("{int: [5, 1]}", ": found low 5 above high 1; must be low <= high"),
    ("{int: [0, 8], log: true}", ": found low 0 with log: true; must be > 0"),
    ("{int: [1, 9], log: true, step: 2}", ": found step 2 with log: true; must be one of the two"),
    ("{int: [1, 8], step: 2}", ": found high 8 between steps of 2; must be on a step, such as 7"),
    ("{int: [1, 8], step: 0.5}", ": found step: 0.5; must be an integer"),
    ("{int: [1, 8], step: -1}", ": found step -1; must be > 0"),
    ("{choice: []}", ": found no options; must have at least one"),
    ("{choice: a}", ': found choice: "a"; must be a list of options'),
    ("{choice: [a, b, a]}", ': found "a" beside "a", which is the same option'),
    ("{choice: [1, true]}", ": found true beside 1, which is the same option"),
    ("{choice: [{a: 1}]}", ': found the option {"a": 1}; must be a single value (mappings stand in a choose)'),
    ("{choice: [[1]]}", ": found the option [1]; must be a single value (mappings stand in a choose)"),
    ("{choice: [1, 2], log: true}", '.log: found "log"; must be one of choice'),
    ("[3, {int: [1, 2]}]", ".1: found int; a domain or a choose may not stand in a list"),
    ("[[{choose: {a: }}]]", ".0.0: found choose; a domain or a choose may not stand in a list"),
]


@pytest.mark.parametrize(("value", "message"), VALUES, ids=[case[0][:40] for case in VALUES])
def test_values_and_domains(complaint: Callable[..., str], good: str, value: str, message: str) -> None:
    assert complaint(good.replace("latent_dim: 8", f"latent_dim: {value}")) == f"s.yaml:4: model.latent_dim{message}"


BRANCHES = "    choose:\n      fc: {hidden: 64}\n      conv:\n"
CHOICES = [
    (BRANCHES, "    choose:\n", "6: model.backbone: found choose: null; must be a mapping of branches"),
    (BRANCHES, "    choose: {}\n", "6: model.backbone: found choose: {}; must be a mapping of branches"),
    (BRANCHES, "    choose: [a]\n", '6: model.backbone: found choose: ["a"]; must be a mapping of branches'),
    ("conv:", "conv: 3", "8: model.backbone.conv: found 3; a branch must be a mapping of settings, or empty"),
    (
        "conv:",
        "conv: {int: [1, 2]}",
        '8: model.backbone.conv: found {"int": [1, 2]}; a branch must be a mapping of settings, or empty',
    ),
    ("conv:", "a/b:", f"8: model.backbone: found the key 'a/b'; {KEY_RULE}"),
    (
        "    choose:",
        "    hidden: 3\n    choose:",
        "8: model.backbone.fc.hidden: found hidden both in a branch and beside the choose",
    ),
    ("    choose:", "    fc: 3\n    choose:", "8: model.backbone.fc: found fc both as a branch and beside the choose"),
    (
        "    choose:\n      fc: {hidden: 64}",
        "    depth: 3\n    choose:\n      fc: {choose: {a: {depth: 2}}}",
        "8: model.backbone.fc.a.depth: found depth both in a branch and beside the choose",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), CHOICES)
def test_choices_between_branches(complaint: Callable[..., str], good: str, old: str, new: str, message: str) -> None:
    assert complaint(good.replace(old, new)) == f"s.yaml:{message}"


TOP = [
    ("name: test", "nmae: test", f'1: nmae: found "nmae"; must be one of {SECTIONS}; did you mean name?'),
    (
        "training: {epochs: 3}\n",
        "",
        "1: training: is missing; a sweep must have name, data, model, training, sweep",
    ),
    ("name: test", "name: ../x", f'1: name: found "../x"; {NAME_RULE}'),
    ("name: test", "name: .x", f'1: name: found ".x"; {NAME_RULE}'),
    ("name: test", "name: é", f'1: name: found "é"; {NAME_RULE}'),
    ("name: test", "name: 3", f"1: name: found 3; {NAME_RULE}"),
    ("name: test", "name:", f"1: name: found null; {NAME_RULE}"),
    ("name: test", "name: {choice: [a, b]}", "1: name: found choice; a domain or a choose may not stand in name"),
    ("name: test", "name: a\nquestion: [a]", '2: question: found ["a"]; must be text'),
    (
        "name: test",
        "name: a\nquestion: {choose: {a: }}",
        "2: question: found choose; a domain or a choose may not stand in question",
    ),
    ("digits", "3", "2: data: found 3; must be a mapping, or the name of a component"),
    ("digits", "''", '2: data: found ""; must be a mapping, or the name of a component'),
    (
        "digits",
        "{choice: [a, b]}",
        '2: data: found {"choice": ["a", "b"]}; a section must be a mapping with the domains in it',
    ),
    ("{epochs: 3}", "short", '10: training: found "short"; must be a mapping'),
    ("{trials: 4}", "4", f"11: sweep: found 4; must be a mapping of {SETTINGS}"),
]


@pytest.mark.parametrize(("old", "new", "message"), TOP)
def test_top_of_the_file(complaint: Callable[..., str], good: str, old: str, new: str, message: str) -> None:
    assert complaint(good.replace(old, new, 1)) == f"s.yaml:{message}"


SWEEPS = [
    ("", ": found neither of trials and budget; must be exactly one (null unsets)"),
    ("trials: 4, budget: {hours: 1}", ": found both of trials and budget; must be exactly one (null unsets)"),
    ("trials: 0", ".trials: found 0; must be an integer >= 1"),
    ("trials: true", ".trials: found true; must be an integer >= 1"),
    ("trials: 1e3", ".trials: found 1000.0; must be an integer >= 1"),
    ("trials: '4'", '.trials: found "4"; must be an integer >= 1'),
    ("trails: 4", f'.trails: found "trails"; must be one of {SETTINGS}; did you mean trials?'),
    ("trials: {int: [1, 2]}", ".trials: found int; a domain or a choose may not stand in sweep"),
    ("budget: {}", ".budget: limits nothing; must have hours, or usd with usd_per_hour"),
    ("budget: {usd: 4}", ".budget.usd: found usd without usd_per_hour; must have both"),
    ("budget: {hours: 0}", ".budget.hours: found 0; must be a number > 0"),
    ("budget: {eur: 2}", '.budget.eur: found "eur"; must be one of hours, usd, usd_per_hour'),
    ("trials: 4, metric: nll", '.metric: found "nll"; must be a split and a name, such as val/nll'),
    (
        "trials: 4, metric: val/elbo",
        (
            ".mode: is missing; must be minimize or maximize, as val/elbo is none of nll, error, completion_error, "
            "fld, kid, loss, accuracy, coverage, cas"
        ),
    ),
    ("trials: 4, mode: max", '.mode: found "max"; must be minimize or maximize'),
    ("trials: 4, seed: -1", ".seed: found -1; must be an integer >= 0"),
    ("trials: 4, search: tpee", '.search.name: found "tpee"; must be one of tpe, random, grid, qmc; did you mean tpe?'),
    ("trials: 4, search: 3", ".search: found 3; must be one of tpe, random, grid, qmc, or a mapping with a name"),
    ("trials: 4, search: {startup: 0}", ".search.startup: found 0; must be an integer >= 1"),
    ("trials: 4, search: {name: grid, startup: 3}", '.search.startup: found "startup"; must be one of name'),
    (
        "trials: 4, stopping: off",
        ".stopping: found off, which YAML takes for a boolean; write 'off' in quotes or true/false",
    ),
    ("trials: 4, stopping: {factor: 1}", ".stopping.factor: found 1; must be an integer >= 2"),
    (
        "trials: 4, stopping: {also: [diverged, colapsed]}",
        f'.stopping.also: found "colapsed"; must be one of {SIGNS}; did you mean collapsed?',
    ),
    ("trials: 4, stopping: {also: diverged}", f'.stopping.also: found "diverged"; must be a list of {SIGNS}'),
    ("trials: 4, stopping: {also: [3]}", f".stopping.also: found [3]; must be a list of {SIGNS}"),
    ("trials: 4, finals: 3", ".finals: found 3; must be a mapping of top, seeds"),
    ("trials: 4, finals: {tpo: 1}", '.finals.tpo: found "tpo"; must be one of top, seeds; did you mean top?'),
    ("trials: 4, evaluation: {k: 0}", ".evaluation.k: found 0; must be an integer >= 1"),
    ("trials: 4, evaluation: {every: 0}", '.evaluation.every: found 0; must be "auto" or an integer >= 1'),
    ("trials: 4, evaluation: {every: often}", '.evaluation.every: found "often"; must be "auto" or an integer >= 1'),
    (
        "trials: 4, evaluation: {images: 0}",
        '.evaluation.images: found 0; must be "auto", an integer >= 1, or null for all',
    ),
    (
        "trials: 4, evaluation: {images: true}",
        '.evaluation.images: found true; must be "auto", an integer >= 1, or null for all',
    ),
    ("trials: 4, evaluation: {share: 1}", ".evaluation.share: found 1; must be a number > 0 and < 1"),
    ("trials: 4, evaluation: {share: 0}", ".evaluation.share: found 0; must be a number > 0 and < 1"),
    (
        "trials: 4, stopping: {grace: 3}, evaluation: {every: 2}",
        ".evaluation.every: found 2; must divide 3, the grace of the stopping rule, lest that decide late",
    ),
    (
        "trials: 4, stopping: {name: median, grace: 3}, evaluation: {every: 6}",
        ".evaluation.every: found 6; must divide 3, the grace of the stopping rule, lest that decide late",
    ),
    ("trials: 4, resources: {cpu: 0}", ".resources.cpu: found 0; must be a number > 0"),
    (
        "trials: 4, resources: {gpu: true}",
        '.resources.gpu: found true; must be "auto", a number from 0 to 1, or a whole one',
    ),
    ("trials: 4, workers: many", '.workers: found "many"; must be "auto" or an integer >= 1'),
    ("trials: 4, workers: true", '.workers: found true; must be "auto" or an integer >= 1'),
    ("trials: 4, failures: {hang: 1}", ".failures.hang: found 1; must be a number > 1"),
    ("trials: 4, checkpoints: {last: none}", '.checkpoints.last: found "none"; must be running or all'),
    (
        "trials: 4, checkpoints: {quota: 5 pounds}",
        '.checkpoints.quota: found "5 pounds"; must be such as "500 MiB", or null',
    ),
    ("trials: 4, arms: 3", ".arms: found 3; must be the dotted path of a choose or a choice"),
    (
        "trials: 4, arms: model.bakbone",
        '.arms: found "model.bakbone"; must be the path of a choose or a choice: model.backbone',
    ),
]


@pytest.mark.parametrize(("settings", "message"), SWEEPS)
def test_settings(complaint: Callable[..., str], good: str, settings: str, message: str) -> None:
    assert complaint(good.replace("{trials: 4}", f"{{{settings}}}")) == f"s.yaml:11: sweep{message}"


MALFORMED = "must be path=value, such as sweep.trials=100; the value null unsets"
OVERRIDES = [
    ("sweep.trials", MALFORMED),
    ("=3", MALFORMED),
    ("sweep.trials=", MALFORMED),
    ("sweep..trials=3", MALFORMED),
    ("sweep. trials=3", MALFORMED),
    (f"model{'.a' * 5000}=3", MALFORMED),
    (f"model.{'a' * 65}=3", MALFORMED),
    ("sweep.trials=0", "sweep.trials: found 0; must be an integer >= 1"),
    ("sweep.workers=x", 'sweep.workers: found "x"; must be "auto" or an integer >= 1'),
    ("sweep.trials=no", "found no, which YAML takes for a boolean; write 'no' in quotes or true/false"),
    ("sweep.trials=*x", "found an alias without its anchor"),
    ("name.x=3", 'name: found "test" on the way; must be a mapping'),
    ("training.epochs.x=3", "training.epochs: found 3 on the way; must be a mapping"),
    ("model.latent_dim={int: [3, 1]}", "model.latent_dim: found low 3 above high 1; must be low <= high"),
    ("model.backbone.fc=3", "model.backbone.fc: found 3; a branch must be a mapping of settings, or empty"),
    ("foo=3", f'foo: found "foo"; must be one of {SECTIONS}'),
]


@pytest.mark.parametrize(("override", "message"), OVERRIDES, ids=[case[0][:40] for case in OVERRIDES])
def test_overrides(complaint: Callable[..., str], good: str, override: str, message: str) -> None:
    assert complaint(good, override) == f"--set {override}: {message}"
