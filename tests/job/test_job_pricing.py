"""The price as a template of parameters: worked out for each class, refused where it has none."""

from decimal import Decimal

import pytest
from support.job_workspace import JobWorkspace

from pipeline.models import Job
from pipeline.money.price_class import class_of, price_class
from pipeline.money.prices import PriceBook

HEAD = "model: some-model\n"


def job_of(workspace: JobWorkspace, cost: str, params: str = "{duration: 5}") -> Job:
    return workspace.job(f"{HEAD}params: {params}\ncredits: {{cost: {cost!r}}}\nprompts: [A fox]\n")


@pytest.mark.parametrize(
    ("cost", "params", "price"),
    [
        ("{{ duration * 0.08 }}", "{duration: 5}", "0.4"),
        ("{{ duration * 0.1 }}", "{duration: 3}", "0.3"),  # 0.30000000000000004 of floats
        ("{{ duration * 2 }}", "{duration: '5'}", "10"),  # a number that a sheet has as text
        ("{{ 0.2 if loop else 0.1 }}", "{loop: true}", "0.2"),
        ("{{ (duration | default(5)) * 0.08 }}", "{loop: true}", "0.4"),
        ("{{ '0.25' }}", "{}", "0.25"),
        ("{{ 0 }}", "{}", "0"),
    ],
)
def test_a_price_follows_from_the_parameters(
    workspace: JobWorkspace, cost: str, params: str, price: str
) -> None:
    job = job_of(workspace, cost, params)
    (task,) = job.tasks()
    assert job.credits.pricing is not None
    assert job.credits.pricing(price_class(task)) == Decimal(price)
    assert job.credits.cost is None


@pytest.mark.parametrize(
    ("cost", "told", "hint"),
    [
        ("{{ duraton * 0.08 }}", "duraton is not defined", "did you mean duration?"),
        ("{{ fps * 0.08 }}", "fps is not defined", "fps | default(5)"),
        ("{{ prompt | length }}", "cannot depend on prompt", "duration * 0.08"),
        ("{{ seed }}", "cannot depend on seed", "duration * 0.08"),
        ("{{ image }}", "cannot depend on image", "a choice or a number"),
        ("{{ -duration }}", '"-5" is not an amount of US dollars', "duration * 0.08"),
        ("{{ duration > 3 }}", "is not an amount of US dollars", "duration * 0.08"),
        ("{{ 'free' }}", "an amount of US dollars is expected", "0.95"),
        ("{{ duration * 1e300 }}", "", ""),
        ("{{ duration / 0 }}", "the template fails", ""),
        ("{{ duration", "an amount of US dollars is expected", "0.95"),
        ("{{ duration * }}", "the template is not valid", ""),
        ("{{ ().__class__ }}", "", ""),
        ("{% set x = 1 %}{{ x }}", "templates cannot use", ""),
    ],
)
def test_a_price_that_cannot_be_worked_out_is_refused_at_its_line(
    workspace: JobWorkspace, cost: str, told: str, hint: str
) -> None:
    params = "{duration: 5, image: 'https://example.com/a.png'}"
    text = f'{HEAD}params: {params}\ncredits:\n  cost: "{cost}"\nprompts: [A fox, A kite]\n'
    (wrong,) = workspace.problems(text)
    assert (wrong.line, wrong.key) == (4, "credits.cost")
    assert told in wrong.message
    assert hint in (wrong.hint or "")


def test_of_a_thousand_rows_without_a_price_the_first_is_named(workspace: JobWorkspace) -> None:
    rows = "".join(f"r{n},A fox {n},{'' if n > 3 else 5}\n" for n in range(1000))
    workspace.put("rows.csv", "id,prompt,duration\n" + rows)
    (wrong,) = workspace.problems(
        HEAD + "prompts_from: rows.csv\nparams: {duration: '{{ duration }}'}\n"
        "credits: {cost: '{{ duration * 0.5 }}'}\n"
    )
    assert "rows.csv:6" in wrong.message


def test_the_gates_book_knows_each_class_by_its_own_price(workspace: JobWorkspace) -> None:
    job = job_of(workspace, "{{ duration * 0.08 }}")
    book = PriceBook(None, Decimal(9), pricing=job.credits.pricing)
    five, ten = (class_of("some-model", {"prompt": "x", "duration": n}) for n in (5, 10))
    assert (book.of(five), book.of(ten)) == (Decimal("0.4"), Decimal("0.8"))
    book.report(five, Decimal("0.5"))  # what is reserved is the larger of written and reported
    assert (book.of(five), book.of(ten)) == (Decimal("0.5"), Decimal("0.8"))
    # Another run's class, of which the template knows nothing, is priced as without one.
    assert book.estimate(class_of("other", {"prompt": "x"})) is not None


@pytest.mark.parametrize("name", ["", "nonsense", "[]", '["m", 7]', '{"1": 2}', "[" * 100])
def test_what_another_run_calls_a_price_class_may_be_anything(
    workspace: JobWorkspace, name: str
) -> None:
    pricing = job_of(workspace, "{{ duration * 0.08 }}").credits.pricing
    assert pricing is not None
    assert pricing(name) is None
