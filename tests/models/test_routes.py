from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.models import decisions
from assistant.models.decisions import Domain, Facts, read, understand
from assistant.models.errors import RoutingInvalid, WishRefused
from assistant.models.routes import ANY, Card, choose, spread
from assistant.models.types import Policy
from assistant.types import Route

TABLE = read()


def card(name: str, tier: str, adapter: str | None = None, **other: object) -> Card:
    fields = {"context_tokens": 8192, "healthy": True, "tools": True} | other
    return Card(name, Route(name, adapter, tier, ""), **fields)  # type: ignore[arg-type]


BIG, SMALL, VISION = card("big", "domain"), card("small", "fallback"), card("vision", "other")
FINANCE, MEDICAL = card("finance", "domain", "finance"), card("medical", "domain", "medical")
ALL = (SMALL, VISION, BIG, FINANCE, MEDICAL)
LONG = "Please tell me in some detail what the handbook has to say about travel and which rules hold for whom abroad"


def names(wanted: str, *cards: Card, question: str = LONG, **facts: object) -> list[str]:
    return [found.name for found in choose(wanted, cards, Facts(question, **facts), TABLE).cards]  # type: ignore[arg-type]


def reason(*cards: Card, question: str = LONG, **facts: object) -> str:
    return choose(ANY, cards, Facts(question, **facts), TABLE).reason  # type: ignore[arg-type]


def near(**closeness: float) -> tuple[Domain, ...]:
    found = [Domain(name, value) for name, value in closeness.items()]
    return tuple(sorted(found, key=lambda domain: -domain.closeness))


def test_it_asks_the_domain_tier_first_and_the_fallback_then() -> None:
    assert names(ANY, SMALL, VISION, BIG) == ["big", "small"]


def test_it_asks_a_sick_model_last_and_says_why() -> None:
    sick = card("big", "domain", healthy=False)
    assert names(ANY, sick, SMALL) == ["small", "big"]
    assert "because big does not answer now" in reason(sick, SMALL)


def test_it_asks_a_full_model_after_the_others() -> None:
    full = card("big", "domain", load=0.95)
    assert names(ANY, full, SMALL) == ["small", "big"]
    assert "because big is full" in reason(full, SMALL)


def test_it_asks_a_named_model_first_and_the_tiers_after_it() -> None:
    assert names("small", BIG, SMALL) == ["small", "big"]
    assert names("vision", BIG, SMALL, VISION) == ["vision", "big", "small"]
    assert names("finance", *ALL) == ["finance", "big", "small"]


def test_it_uses_an_other_model_when_there_is_nothing_else() -> None:
    assert names(ANY, VISION) == ["vision"]
    assert reason(VISION) == ""


def test_the_adapter_of_the_nearest_domain_answers() -> None:
    assert names(ANY, *ALL, domains=near(finance=0.6, medical=0.3)) == ["finance", "big", "small"]
    assert "finance, closeness 0.60" in reason(*ALL, domains=near(finance=0.6, medical=0.3))


def test_a_question_far_from_every_domain_goes_to_no_adapter() -> None:
    assert names(ANY, *ALL, domains=near(finance=0.2)) == ["big", "small"]


def test_a_question_of_several_domains_goes_to_the_full_model() -> None:
    assert names(ANY, *ALL, domains=near(finance=0.6, medical=0.58)) == ["big", "finance", "small"]


def test_a_plain_short_question_goes_to_the_small_model() -> None:
    assert names(ANY, *ALL, question="When does the gym open?")[0] == "small"
    assert names(ANY, *ALL, question="Why does the gym open?")[0] == "big"


def test_high_stakes_go_to_the_full_model_even_in_a_domain() -> None:
    asked = "What dose of this medication is right?"
    assert names(ANY, *ALL, question=asked, domains=near(medical=0.8))[0] == "big"


def test_the_caller_s_policy_is_followed() -> None:
    outside = card("cloud", "domain", inside=False)
    assert names(ANY, outside, SMALL) == ["cloud", "small"]
    assert names(ANY, outside, SMALL, policy=Policy(privacy="inside")) == ["small"]
    with pytest.raises(WishRefused, match="outside of this site"):
        names("cloud", outside, SMALL, policy=Policy(privacy="inside"))
    with pytest.raises(WishRefused, match="inside of this site"):
        names(ANY, outside, policy=Policy(privacy="inside"))
    assert names(ANY, BIG, SMALL, policy=Policy(budget="low"))[0] == "small"
    assert names(ANY, BIG, SMALL, policy=Policy(latency="fast"))[0] == "small"


def test_a_model_that_is_switched_off_does_not_exist() -> None:
    off = card("big", "domain", enabled=False)
    assert names(ANY, off, SMALL) == ["small"]
    with pytest.raises(WishRefused, match="'big' is switched off. Available: assistant, small"):
        names("big", off, SMALL)
    with pytest.raises(WishRefused, match="All models are switched off"):
        names(ANY, off)


@pytest.mark.parametrize("wanted", ["gpt-9", "", "Big", "a" * 1000])
def test_it_refuses_a_name_that_does_not_exist(wanted: str) -> None:
    with pytest.raises(WishRefused, match="There is no model") as caught:
        names(wanted, BIG, SMALL)
    assert len(str(caught.value)) < 300


def test_it_says_when_there_is_no_model_at_all() -> None:
    with pytest.raises(WishRefused, match="No model is configured"):
        names(ANY)


@given(
    st.lists(st.sampled_from(ALL), unique=True, min_size=1),
    st.text(max_size=80),
    st.floats(-1, 1),
    st.sampled_from(["any", "inside"]),
)
def test_it_never_asks_one_twice_nor_an_adapter_of_another_domain(
    cards: list[Card], question: str, closeness: float, privacy: str
) -> None:
    facts = Facts(question, Policy(privacy=privacy), near(finance=closeness))  # type: ignore[arg-type]
    chosen = choose(ANY, cards, facts, TABLE)
    asked = [found.name for found in chosen.cards]
    assert asked and len(set(asked)) == len(asked)
    if any(found.route.tier in ("domain", "fallback") and not found.route.adapter for found in cards):
        assert "medical" not in asked and "vision" not in asked


def test_spread_is_one_when_even_and_the_number_of_routes_when_one_has_all() -> None:
    assert spread([5, 5, 5]) == pytest.approx(1.0)
    assert spread([9, 0, 0]) == pytest.approx(3.0)
    assert spread([0, 0]) is None and spread([]) is None


def test_it_reads_a_question_as_the_table_says() -> None:
    assert understand(Facts("x " * 400), TABLE.signals).difficulty == "hard"
    assert understand(Facts("Compare A and B"), TABLE.signals).difficulty == "hard"
    assert understand(Facts("Comparable prices"), TABLE.signals).difficulty == "easy"


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("rules: []\n", "signals"),
        ("- 1\n", "the file"),
        (":\n\t-", "cannot be read"),
    ],
)
def test_it_names_what_is_wrong_in_a_table(tmp_path: Path, text: str, about: str) -> None:
    (tmp_path / "t.yaml").write_text(text)
    with pytest.raises(RoutingInvalid, match=about):
        read(tmp_path / "t.yaml")


def test_a_table_must_answer_every_question(tmp_path: Path) -> None:
    shipped = Path(read.__defaults__[0]).read_text()  # type: ignore[index]
    (tmp_path / "t.yaml").write_text(shipped.replace("when: {}", "when: {stakes: low}"))
    with pytest.raises(RoutingInvalid, match="no condition"):
        read(tmp_path / "t.yaml")


JUDGED = TABLE.model_copy(
    update={"rules": tuple(r.model_copy(update={"judged": r.name == "several domains"}) for r in TABLE.rules)}
)
TWO = near(finance=0.6, medical=0.58)


def rivals(*cards: Card, wanted: str = ANY, domains: tuple[Domain, ...] = TWO, table: object = JUDGED) -> list[str]:
    found = choose(wanted, cards, Facts(LONG, domains=domains), table)  # type: ignore[arg-type]
    return [card.name for card in found.rivals]


def test_two_adapters_are_asked_only_where_the_table_says_so() -> None:
    assert rivals(*ALL, table=TABLE) == []
    assert rivals(*ALL) == ["finance", "medical"]
    assert rivals(*ALL, domains=near(finance=0.6, medical=0.4)) == []  # one domain
    assert rivals(*ALL, wanted="big") == []
    told = choose(ANY, ALL, Facts(LONG, domains=TWO), JUDGED).reason
    assert told.endswith("finance and medical are both asked, and the better answer is given")


@pytest.mark.parametrize("other", [{"healthy": False}, {"enabled": False}, {"load": 0.95}])
def test_two_adapters_are_asked_only_where_both_can_answer(other: dict[str, object]) -> None:
    cards = (SMALL, BIG, FINANCE, card("medical", "domain", "medical", **other))
    assert rivals(*cards) == []
    assert [each.name for each in choose(ANY, cards, Facts(LONG, domains=TWO), JUDGED).cards][0] == "big"


def test_the_small_model_is_no_rival_even_with_an_adapter_of_that_name() -> None:
    local = card("small", "fallback", "finance")
    assert rivals(FINANCE, MEDICAL, local) == ["finance", "medical"]
    assert rivals(MEDICAL, local) == []


def test_a_judged_rule_is_one_of_several_domains(tmp_path: Path) -> None:
    text = Path(decisions.__file__).with_name("decisions.yaml").read_text()
    path = tmp_path / "table.yaml"
    path.write_text(text.replace("    # judged: true ", "    judged: true #"))
    assert [rule.name for rule in read(path).rules if rule.judged] == ["several domains"]
    path.write_text(text.replace("    because: it belongs to", "    judged: true\n    because: it belongs to"))
    with pytest.raises(RoutingInvalid, match="'domain' is judged, so it needs"):
        read(path)
