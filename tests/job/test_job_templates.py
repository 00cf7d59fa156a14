"""Templates: what they may use, where they apply, and that none of them runs wild."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.job_workspace import JobWorkspace

from pipeline.job.problems import InvalidError
from pipeline.job.template.templates import fill, has_templates, text_template, value_template

SCOPE = {
    "mood": "calm",
    "n": 7,
    "x": 1.5,
    "yes": True,
    "none": None,
    "items": ["a", "b"],
    "day": "2026-12-01",
    "m": {"k": "v", "list": [[1]]},
}


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("plain { text }", "plain { text }"),
        ("{{ mood }}", "calm"),
        ("a {{ mood }} b {{ n }}{{ x }}{{ yes }}", "a calm b 71.5true"),
        ("{{ mood | upper }}", "CALM"),
        ("{{ mood | capitalize | title | lower | trim | string }}", "calm"),
        ("{{ 'Ünï, cödé 1,000' | slug }}", "uni-code-1000"),
        ("{{ mood ~ ' ' ~ n | slug }}", "calm 7"),
        ("{{ (mood ~ ' sea') | slug(4) }}", "calm"),
        ("{{ day | date('%d.%m.%y') }}", "01.12.26"),
        ("{{ '2026-12-01T08:30' | date('%H:%M') }}", "08:30"),
        ("{{ day | date }}", "2026-12-01"),
        ("{{ '%03d' | format(n) }}", "007"),
        ("{{ '%03d' % n }}", "007"),
        ("{{ '%s-%s' % (mood, n) }}", "calm-7"),
        ("{{ mood | replace('calm', 'wild') }}", "wild"),
        ("{{ items | join(', ') }}", "a, b"),
        ("{{ items | first }}{{ items | last }}{{ items | length }}", "ab2"),
        ("{{ x | round }}{{ 2.345 | round(2) }}", "2.02.35"),
        ("{{ missing | default('none') }}", "none"),
        ("{{ none | default('nothing', true) }}", "nothing"),
        ("{{ 'in' if yes else 'out' }}", "in"),
        ("{% if mood == 'calm' %}still{% else %}wild{% endif %}", "still"),
        ("{% for i in items %}{{ loop.index }}{{ i }}{% endfor %}", "1a2b"),
        ("{% for i in range(3) %}{{ i }}{% endfor %}", "012"),
        ("{{ n + 1 }}{{ n * 2 }}{{ n ** 2 }}{{ n % 4 }}{{ n // 2 }}", "8144933"),
        ("{{ mood + '!' }}", "calm!"),
        ("{{ '-' * 3 }}", "---"),
        ("{{ mood.upper() }}{{ m.k }}{{ m['k'] }}", "CALMvv"),
        ("{{ mood[:2] }}", "ca"),
        ("{# said to nobody #}x", "x"),
        ("{% raw %}{{{% endraw %} mood }}", "{{ mood }}"),
        ("{{ mood }}\n", "calm\n"),
        ("{{ 'a' in mood }}", "true"),
        ("{{ m is defined and nope is not defined }}", "true"),
    ],
)
def test_what_templates_are_for(source: str, made: object) -> None:
    assert text_template(source)(SCOPE) == made


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("{{ n }}", 7),
        (" {{ '5' | int }} ", 5),
        ("{{ mood == 'calm' }}", True),
        ("{{ x }}", 1.5),
        ("{{ items }}", ["a", "b"]),
        ("{{ none }}", None),
        ("{{ mood }}", "calm"),
        ("{{ n }}{{ n }}", "77"),
        ("n: {{ n }}", "n: 7"),
        ("{{ range(3) }}", "range(0, 3)"),
        ("{{ '}}' }}", "}}"),
    ],
)
def test_one_expression_alone_keeps_its_type_in_params(source: str, made: object) -> None:
    value = value_template(source)(SCOPE)
    assert value == made
    assert type(value) is type(made)


def test_params_are_filled_wherever_a_text_is_in_them() -> None:
    value = {"a": ["{{ n }}", {"b": "x{{ mood }}"}], "c": 5, "{{ n }}": "plain"}
    assert has_templates(value)
    assert not has_templates({"a": ["b", 1]})
    assert fill(value, SCOPE) == {"a": [7, {"b": "xcalm"}], "c": 5, "{{ n }}": "plain"}


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("{{ mod }}", "mod is not defined"),
        ("{{ mod | upper }}", "mod is not defined"),
        ("{{ mod ~ 'x' }}", "mod is not defined"),
        ("{{ mood.nope }}", "no attribute"),
        ("{{ none }}", "empty (null)"),
        ("{{ items }}", "prints a list"),
        ("{{ m }}", "prints a dict"),
        ("{{ mood | date }}", "is not a valid date"),
        ("{{ '2026-13-01' | date }}", "is not a valid date"),
        ("{{ n / 0 }}", "fails: "),
        ("{{ mood + 1 }}", "fails: "),
        ("{{ mood | slug('x') }}", "fails: "),
        ("{{ mood.split('') | join }}", "fails: "),
        ("{{ '\\ud800' }}", "not valid Unicode"),
        ("{{ mood | replace('a', '\\ud800') }}", "not valid Unicode"),
    ],
)
def test_what_fails_while_rendering_is_a_problem_in_words(source: str, part: str) -> None:
    render = text_template(source)
    with pytest.raises(InvalidError) as caught:
        render(SCOPE)
    assert part in caught.value.message


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("{{ 1e308 * 10 }}", "not a finite number"),
        ("{{ 2 ** 100 }}", "64 bits"),
        ("{{ nope }}", "nope is not defined"),
    ],
)
def test_a_value_that_json_cannot_hold_is_a_problem(source: str, part: str) -> None:
    with pytest.raises(InvalidError) as caught:
        value_template(source)(SCOPE)
    assert part in caught.value.message


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("{{ mood", "the template is not valid"),
        ("{% if %}", "the template is not valid"),
        ("{{ mood | nofilter }}", "nofilter"),
        ("{{ mood | random }}", "random"),
        ("{% set x = 1 %}", "cannot use assign"),
        ("{% macro f() %}{% endmacro %}", "cannot use macro"),
        ("{% include 'x' %}", "cannot use include"),
        ("{% import 'x' as y %}", "cannot use import"),
        ("{% with x = 1 %}{% endwith %}", "cannot use with"),
        ("{% filter upper %}x{% endfilter %}", "cannot use filterblock"),
        ("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "too deeply"),
        ("{{ " + "-" * 3000 + "1 }}", "too deeply"),
        ("{{ mood }}" * 5000, "more than 20000"),
    ],
)
def test_what_templates_are_not_for_is_refused_when_compiling(source: str, part: str) -> None:
    with pytest.raises(InvalidError) as caught:
        text_template(source)
    assert part in caught.value.message


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 10**9 * 'a' }}",
        "{{ [0] * 10**9 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ 2 ** 500 * 2 ** 500 }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9000) %}" + "x" * 100 + "{% endfor %}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' | format(99999999, 1) }}",
        "{% for i in items recursive %}{{ loop(items) }}{% endfor %}",
        "{% for a in big %}" * 3 + "{% endfor %}" * 3,
        "{{ mood.center(10**9) }}",
        "{{ mood.format(1) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ mood.__class__.mro() }}",
        "{{ mood.zfill(10**9) }}",
        "{{ mood | center(10**9) }}",
        "{{ big ~ big }}",
        "{{ big + big }}",
        "{{ [big, big] | join }}",
        "{{ big | replace('x', 'yyyyyyyyyy') }}",
        "{{ '%s%s' % (big, big) }}",
        "{{ big }}{{ big }}",
        "{{ big }}{{ big | upper }}{% if 1 %}{% endif %}",
        "{{ mood.__class__ }}",
        "{{ mood.upper.__globals__ }}",
        "{{ range.__self__ }}",
        "{{ m['get']('k')() }}",
    ],
)
def test_no_template_fills_the_memory_runs_for_ever_or_breaks_out(source: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidError):
        text_template(source)({**SCOPE, "big": "x" * 60_000})
    assert time.process_time() - began < 2


@settings(deadline=None)  # the machine may be busy
@given(
    st.lists(
        st.sampled_from(
            ["{{ mood }}", "{{ n }}", " text ", "{{ day | date('%d') }}", "{{ x|string|slug }}"]
        ),
        max_size=6,
    )
)
def test_the_short_way_gives_what_jinja_gives(parts: list[str]) -> None:
    source = "".join(parts)
    short = text_template(source)(SCOPE)
    assert short == text_template("{% if true %}" + source + "{% endif %}")(SCOPE)


def test_an_undefined_name_has_its_place_and_the_nearest_known(workspace: JobWorkspace) -> None:
    message = workspace.wrong(
        """\
        vars: {subject: fox}
        prompts:
          - fine
          - {prompt: "{{ subjct }}", vars: {mood: calm}}
        """
    )
    assert message == (
        "job.yaml:5: prompts[1]: prompt: the template's subjct is not defined "
        "(did you mean subject?)"
    )


def test_a_syntax_error_has_its_line_when_loading(workspace: JobWorkspace) -> None:
    message = workspace.wrong('prompts: [p]\noutput:\n  name: "{{ id "\n')
    assert message.startswith("job.yaml:4: output.name: the template is not valid")


def test_a_prompt_without_variables_is_sent_as_it_was_written(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        """\
        model: kling-2
        params: {note: "{{ literal }}"}
        prompts: ["{{ mood }} {% x", {id: a, prompt: "{{{{", params: {n: "{{ 1 }}"}}]
        """
    )
    assert [task.prompt for task in tasks] == ["{{ mood }} {% x", "{{{{"]
    assert tasks[1].params["note"] == "{{ literal }}"
    assert tasks[1].params["n"] == "{{ 1 }}"


def test_a_matrix_makes_its_values_usable_in_prompts(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        """\
        model: kling-2
        matrix: {style: [ink, oil]}
        prompts: ["a {{ style }} drawing"]
        """
    )
    assert [task.prompt for task in tasks] == ["a ink drawing", "a oil drawing"]


def test_a_template_in_the_matrix_is_filled_wherever_its_axis_is_used(
    workspace: JobWorkspace,
) -> None:
    job = """\
        model: kling-2
        vars: {brand: Nordlicht}
        matrix: {style: ["{{ brand }} look", "plain"]}
        prompts: [{id: cat, prompt: "A cat, {{ style }}"}]
        output: {name: "{{ style }}"}
        """
    first, second = workspace.tasks(job)
    assert first.params == {"prompt": "A cat, Nordlicht look", "style": "Nordlicht look"}
    assert (first.id, first.output) == ('cat[style="{{ brand }} look"]', "Nordlicht look")
    assert second.prompt == "A cat, plain"
    (found,) = workspace.problems(job.replace("brand: N", "band: N"))
    assert "brand is not defined" in found.message


def test_a_template_in_the_matrix_may_not_use_another(workspace: JobWorkspace) -> None:
    (found,) = workspace.problems(
        "model: m\nmatrix: {a: ['{{ b }}'], b: ['{{ index }}']}\nprompts: ['{{ a }}']\n"
    )
    assert "the template's b is not defined" in found.message


def test_variables_of_the_prompt_win_over_the_jobs(workspace: JobWorkspace) -> None:
    tasks = workspace.tasks(
        """\
        model: kling-2
        vars: {mood: calm, take: "{{ x }}"}
        matrix: {style: [ink, oil]}
        params: {negative: "no {{ mood }} {{ style }}", seed: "{{ index * 10 }}"}
        prompts:
          - id: a
            prompt: "{{ mood }} {{ style }} {{ id }} {{ index }} {{ name }} {{ take }}"
            vars: {mood: wild}
          - prompt: "{% raw %}{{{% endraw %} {{ mood }} {{ style }}"
            params: {extra: ["{{ mood }}"]}
        """
    )
    assert [task.prompt for task in tasks] == [
        "wild ink a 1 job {{ x }}",
        "wild oil a 1 job {{ x }}",
        "{{ calm ink",
        "{{ calm oil",
    ]
    assert tasks[1].params["negative"] == "no wild oil"
    assert tasks[3].params["seed"] == 20
    assert tasks[3].params["extra"] == ["calm"]


def test_the_jobs_template_is_for_prompts_with_variables_alone(workspace: JobWorkspace) -> None:
    tasks = workspace.brief(
        """\
        prompt: "{{ subject }}, {{ mood }} light"
        vars: {mood: calm}
        prompts: [{vars: {subject: A fox}}, {id: x, vars: {subject: A kite, mood: low}}]
        """
    )
    assert [task.prompt for task in tasks] == ["A fox, calm light", "A kite, low light"]


def test_the_jobs_template_needs_no_variables(workspace: JobWorkspace) -> None:
    assert workspace.brief("prompt: 'clip {{ id }}'\nprompts: [{id: a}]\n")[0].prompt == "clip a"


def test_the_take_can_be_part_of_a_prompt(workspace: JobWorkspace) -> None:
    tasks = workspace.brief("takes: 2\nvars: {a: 1}\nprompts: ['shot {{ take }}']\n")
    assert [task.prompt for task in tasks] == ["shot 1", "shot 2"]


def test_rendered_params_are_judged_and_understood(workspace: JobWorkspace) -> None:
    workspace.put("rows.csv", "prompt,loop,ratio\na,yes,16:9\nb,no,1:1\n")
    job = "prompts_from: rows.csv\nparams: {loop: '{{ loop }}', aspect_ratio: '{{ ratio }}'}\n"
    tasks = workspace.brief(job)
    assert [task.params["loop"] for task in tasks] == [True, False]
    assert [task.params["aspect_ratio"] for task in tasks] == ["16:9", "1:1"]
    workspace.put("rows.csv", "prompt,loop,ratio\na,maybe,16:9\nb,no,16:10\n")
    found = workspace.problems("model: luma-txt-2-video\n" + job)
    assert [str(p).split(": ", 1)[1].partition(", 16:9")[0] for p in found] == [
        'row 2: params.loop: "maybe" is not a boolean (true or false)',
        'row 3: params.aspect_ratio: "16:10" is not an aspect ratio of this model (one of 1:1',
    ]


def test_an_undefined_id_says_so_for_each_prompt_without_one(workspace: JobWorkspace) -> None:
    found = workspace.problems(
        'model: m\noutput: {name: "{{ id }}"}\nprompts: [a, {id: b, prompt: b}, c]\n'
    )
    assert [p.key for p in found] == ["prompts[0]", "prompts[2]"]


def test_a_wrong_template_hides_no_other_problem(workspace: JobWorkspace) -> None:
    found = workspace.problems(
        "model: m\nprompt: '{{ oops'\ntakes: 0\nprompts: [{id: a}, {id: b}, {id: a/b, prompt: c}]\n"
    )
    assert [p.key for p in found] == ["prompt", "takes", "prompts[2].id"]


def test_jinja_is_not_loaded_for_a_job_without_templates(workspace: JobWorkspace) -> None:
    code = (
        "import sys, pathlib, pipeline.job\n"
        "assert list(pipeline.job.load(pathlib.Path('job.yaml')).tasks())\n"
        "print('jinja2' in sys.modules)"
    )
    job = "model: m\nprompts: [p, {prompt: q, vars: {a: b}}]\n"
    for more, loaded in (("", "False"), ("output: {name: '{{ index }}'}\n", "True")):
        workspace.put("job.yaml", job + more)
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=workspace.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == f"{loaded}\n"
