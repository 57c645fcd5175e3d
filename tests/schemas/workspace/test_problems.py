"""Each mistake, where it is told and how."""

# ruff: noqa: E501 (a mistake a line)

from __future__ import annotations

import pytest

from tests.schemas.workspace.shop import Shop

W, P, J = "workspace.yaml", "profiles.yaml", "journeys/cart_left_behind.yaml"
Mistake = tuple[str, str, str, int, str]

SETTINGS: list[Mistake] = [
    (W, "name: shop", "name: Shop", 1, "name: expected 2 to 30 lower-case letters"),
    (W, "name: shop\n", "", 1, "name: the key is missing; add it: the workspace's name"),
    (W, "region: DE", "regoin: DE", 4, "regoin: unknown key; did you mean region?"),
    (W, "region: DE", "region: de", 4, "found text 'de'; write DE"),
    (W, "region: DE", "region:", 4, "region: expected a value, found nothing; write one or remove the key"),
    (W, "Europe/Berlin", "Europe/Berlni", 2, "did you mean Europe/Berlin?"),
    (W, "Europe/Berlin", "Europe", 2, "time_zone: expected an IANA time zone, found text 'Europe'"),
    (W, "region: DE", "shards: 24", 4, "shards: expected a power of two from 1 to 4096, found the number 24"),
    (W, "region: DE", "shards: 8192", 4, "shards: expected a power of two from 1 to 4096"),
    (W, "region: DE", "shards: '16'", 4, "shards: expected a power of two from 1 to 4096, found text '16'"),
    (W, "region: DE", "earliest: 7", 4, "earliest: expected a duration with its unit, found the number 7"),
    (W, "region: DE", "earliest: 7 days", 4, "earliest: expected a duration such as 30m, 12h or 7d"),
    (W, "region: DE", "allowed_lateness: 2d\nregion: DE\nregion: AT", 6, "the key stands twice, first in line 5"),
    (W, "name: phone", "name: email", 8, "expected another name, found 'email', which is taken in workspace.yaml, line 7"),
    (W, "priority: 3", "priority: 2", 8, "namespaces[2].priority: expected another priority, found 2, which is taken in workspace.yaml, line 7"),
    (W, "unique: true", "unique: yes", 6, "expected true or false, found text 'yes'; write true or false"),
    (W, "unique: true", "unique: true, max_per_person: 2", 6, "expected at most 1 in a unique namespace"),
    (W, "normalizer: phone", "normalizer: phon", 8, "expected email or phone, found text 'phon'; did you mean phone?"),
    (W, "max_per_person: 10", "max_per_person: 0", 7, "expected a number of at least 1, found 0; raise it"),
    (W, "priority: 9", "priority: 9.5", 9, "priority: expected a whole number, found the number 9.5"),
    (W, "address: email", "address: emial", 12, "expected a known namespace, found 'emial'; did you mean email?"),
    (W, "{name: web}", "{name: email}", 12, "channels[1].name: expected another name, found 'email'"),
    (W, "{name: web}", "web", 11, "channels[0]: expected a mapping, found text 'web'"),
    (W, "dev-secret.txt", "no-secret.txt", 3, "secret: expected a readable file at"),
    (W, "file:dev-secret.txt", "env:NO_SECRET", 3, "expected the environment variable NO_SECRET"),
    (W, "file:dev-secret.txt", "env:SHORT", 3, "expected a secret of at least 16 bytes in env:SHORT, found 5"),
    (W, "name: email, priority", "name: mail, priority", 12, "channels[1].address: expected a known namespace, found 'email'; did you mean mail?"),
]  # fmt: skip

PROFILES: list[Mistake] = [
    (P, "event: login", "event: logn", 7, "expected a known event type, found 'logn'; did you mean login?"),
    (P, "event: login", "event: 'zzz'", 7, "found 'zzz'; add schemas/zzz.v1.avsc or change the name"),
    (P, "event: login", "event: [login, login]", 7, "event[1]: expected each event type once, found 'login' again"),
    (P, "event: login", 'event: [login, "*"]', 7, 'event[1]: expected an event type, found "*", which stands alone'),
    (P, "event: login", "event: []", 7, "event: expected at least one entry, found an empty list"),
    (P, "event: login", "event: on", 7, "expected a known event type, found 'on'"),
    (P, "field: reason", "field: raeson", 6, "expected a known field of call_wrapped version 1, found 'raeson'; did you mean reason?"),
    (P, "[purchase, store_purchase]", "[purchase, login]", 10, "field: expected a known field of login version 1, found 'total'"),
    (P, "field: lines.sku", "field: lines.skew", 14, "expected a known field of purchase version 1, found 'lines.skew'; did you mean lines.sku?"),
    (P, "field: $time", "field: $tiem", 13, "expected a known field, found '$tiem'; did you mean $time?"),
    (P, "field: $time", "field: sku", 13, "expected $time, $id, $source or $type, the fields that every event has, found 'sku'"),
    (P, "field: currency,", "field: curency,", 12, "where.field: expected a known field of purchase version 1, found 'curency'"),
    (P, "field: lines.sku, aggregate: distinct", "field: lines.sku, aggregate: sum", 14, "aggregate: expected a field of kind number for sum, found lines.sku, which is text"),
    (P, "field: reason, aggregate: value", "field: reason, aggregate: average", 6, "expected a field of kind number for average"),
    (P, "event: customer_registered, field: name, aggregate: value", "event: cart_added, field: gift, aggregate: max", 4, "expected a field of kind number, text, timestamp or date for max, found gift, which is boolean"),
    (P, "event: call_wrapped, field: reason, aggregate: value", "event: [call_wrapped, store_purchase], field: reason, aggregate: max", 6, "expected a field of one kind over all events for max, found reason, which is number and text"),
    (P, "event: login, aggregate: sum", "event: login, aggregate: average", 7, "aggregate: expected a field for average, found none"),
    (P, "event: login, aggregate: sum", "event: login, aggregate: value", 7, "aggregate: expected a field for value, found none"),
    (P, "aggregate: distinct", "aggregate: distnct", 14, "found text 'distnct'; did you mean distinct?"),
    (P, "aggregate: distinct", "agregate: distinct", 14, "templates[0].attributes[6].agregate: unknown key; did you mean aggregate?"),
    (P, "lookback: 7d", "lookback: 7", 5, "expected a duration with its unit, found the number 7; write 7s, 7m, 7h or 7d"),
    (P, "lookback: 7d", "lookback: 30s", 5, "expected a duration from 1m to 3650d, found 30s"),
    (P, "lookback: 7d", "lookback: 3651d", 5, "expected a duration from 1m to 3650d, found 3651d"),
    (P, "lookback: 7d", "lookback: 1:30", 5, "expected a duration such as 30m, 12h or 7d, found '1:30'"),
    (P, "limit: 4", "limit: 0", 6, "expected a number of at least 1, found 0"),
    (P, "limit: 4", "limit: 1001", 6, "expected a number of at most 1000, found 1001"),
    (P, "name: calls,", "name: name,", 6, "expected another attribute name, found 'name', which is taken in profiles.yaml, line 4"),
    (P, "name: calls,", "name: Calls,", 6, "expected lower-case letters, digits and _, a letter first, 63 at most, found text 'Calls'"),
    (P, "field: currency,", "attribute: spend,", 12, "attributes are seen by a journey's condition only"),
    (P, "templates:", "tmplates:", 1, "tmplates: unknown key; did you mean templates?"),
]  # fmt: skip

JOURNEYS: list[Mistake] = [
    (J, "name: cart_left_behind", "name: cart_left", 1, "name: expected the file's name 'cart_left_behind', found 'cart_left'"),
    (J, "category: commercial", "category: comercial", 3, "found text 'comercial'; did you mean commercial?"),
    (J, "priority: 40", "priority: 101", 4, "expected a number of at most 100, found 101"),
    (J, "version: 1", "version: '1'", 2, "version: expected a whole number, found text '1'"),
    (J, "until: 2026-12-31", "until: 2026-01-01", 5, "valid.until: expected a time after from, which is 2026-01-01, found 2026-01-01"),
    (J, "until: 2026-12-31", "until: 2026-02-30", 5, "valid.until: expected a date such as 2026-01-31"),
    (J, "until: 2026-12-31", "until: 2026-12-31 10:00:00", 5, "or a time such as 2026-01-31T08:00:00Z"),
    (J, "until: 2026-12-31", "until: 2026", 5, "found the number 2026"),
    (J, "event: cart_added", "event: cart_aded", 7, "entry.event: expected a known event type, found 'cart_aded'; did you mean cart_added?"),
    (J, "event: cart_added", 'event: "*"', 7, 'entry.event: expected an event type, found "*"'),
    (J, "exit: [purchase]", "exit: [login, purchse]", 11, "exit[1]: expected a known event type, found 'purchse'; did you mean purchase?"),
    (J, "exit: [purchase]", "exit: purchase", 11, "exit: expected a list, found text 'purchase'"),
    (J, "reentry: restart", "reentry: on", 10, "expected once, after_exit, restart or always, found text 'on'"),
    (J, "reentry: restart", "key: gift", 10, "expected a field of one text or number, found 'gift', which is a boolean; name another"),
    (J, "exit: [purchase]", "exit: [{event: purchase, key: currency}]", 11, "exit[0].key: expected no key, as entry has none, found one; add entry.key or remove it"),
    (J, "exit: [purchase]", "exit: [purchase, purchase]", 11, "exit[1]: expected each exit once, found 'purchase' again; remove it"),
    (J, "cooldown: 3d", "cooldown: 0s", 9, "entry.cooldown: expected a duration from 1s to 36500d, found 0s"),
    (J, "attribute: items_in_cart", "attribute: item_in_cart", 14, "condition.all[0].attribute: expected a known attribute, found 'item_in_cart'; did you mean items_in_cart?"),
    (J, "items_in_cart, op: exists", "items_in_cart, op: gt, value: 1", 14, "condition.all[0].op: expected contains or exists for attribute items_in_cart, which is a map of number values, found gt"),
    (J, "items_in_cart, op: exists", "calls, op: eq, value: x", 14, "expected contains or exists for attribute calls, which is a list of text values, found eq"),
    (J, "items_in_cart, op: exists", "calls, op: contains, value: 5", 14, "condition.all[0].value: expected text, found the number 5; put it in quotes"),
    (J, "items_in_cart, op: exists", "skus, op: contains, value: x", 14, "for attribute skus, which is a number, found contains"),
    (J, "items_in_cart, op: exists", "skus, op: ge", 14, "condition.all[0].value: the key is missing; add what ge compares with"),
    (J, "items_in_cart, op: exists", "skus, op: exists, value: 3", 14, "expected true, false or no value for exists, found the number 3"),
    (J, "items_in_cart, op: exists", "skus, op: ne, value: null", 14, "to ask for absence write op: exists, value: false"),
    (J, "items_in_cart, op: exists", "skus, op: in, value: 3", 14, "expected a list for in, found the number 3"),
    (J, "items_in_cart, op: exists", "skus, op: in, value: [3, x]", 14, "condition.all[0].value[1]: expected a number, found text 'x'"),
    (J, "items_in_cart, op: exists", "skus, op: eq, value: [3]", 14, "expected one text, number or boolean, found a list"),
    (J, "items_in_cart, op: exists", "skus, op: eq, value: '3'", 14, "expected a number, found text '3'; write it without quotes"),
    (J, "items_in_cart, op: exists", "skus, field: sku, op: exists", 14, "expected an attribute or a field, found both"),
    (J, "{attribute: items_in_cart, op: exists}", "{op: exists}", 14, "expected what to test, found none; add attribute: NAME or field: PATH"),
    (J, "{attribute: items_in_cart, op: exists}", "items_in_cart", 14, "condition.all[0]: expected a condition, {all: [...]}"),
    (J, "items_in_cart, op: exists", "items_in_cart, op: exits", 14, "did you mean exists?"),
    (J, "op: within, value: 30m", "op: within, value: 30", 15, "condition.all[1].not.value: expected a duration with its unit"),
    (J, "field: price, op: ge", "field: prize, op: ge", 8, "entry.where.field: expected a known field of cart_added version 1, found 'prize'; did you mean price?"),
    (J, "field: price, op: ge", "field: gift, op: ge", 8, "for field gift, which is a boolean, found ge"),
    (J, "field: price, op: ge", "field: shop, op: ge", 8, "expected exists for field shop, which is an object, found ge"),
    (J, "field: price, op: ge", "field: price, op: contains", 8, "for field price, which is a number, found contains"),
    (J, "field: price, op: ge, value: 20", "field: price, op: within, value: 1d", 8, "for field price, which is a number, found within"),
    (J, "field: price, op: ge, value: 20", "field: added_at, op: ge, value: soon", 8, "expected a date such as 2026-01-31 or a time"),
    (J, "field: price, op: ge, value: 20", "field: deliver_on, op: ge, value: soon", 8, "expected a date, found text 'soon'"),
    (J, "field: price, op: ge, value: 20", "field: gift, op: eq, value: yes", 8, "expected true or false, found text 'yes'"),
    (J, "field: price, op: ge, value: 20", "field: counts, op: contains, value: 5", 8, "entry.where.value: expected text, found the number 5"),
    (J, "field: price, op: ge, value: 20", "attribute: skus, op: ge, value: 20", 8, "attributes are seen by a journey's condition only"),
    (J, "channel: email", "channel: emial", 19, "steps[1].channel: expected a known channel, found 'emial'; did you mean email?"),
    (J, "channel: email", "channel: fax", 19, "found 'fax'; add it to channels in workspace.yaml"),
    (J, "{attribute: name}", "{attribute: nam}", 21, "steps[1].data.name.attribute: expected a known attribute, found 'nam'; did you mean name?"),
    (J, "{field: sku}", "{field: sky}", 21, "steps[1].data.sku.field: expected a known field of cart_added version 1, found 'sky'"),
    (J, '{value: "x"}', '"x"', 21, "steps[1].data.text: expected {attribute: NAME}, {field: PATH}, {model: NAME} or {value: V}, found text 'x'"),
    (J, "expires_after: 12h", "expire_after: 12h", 22, "steps[1].expire_after: unknown key; did you mean expires_after?"),
    (J, "  - wait: 1h\n", "  - pause: 1h\n", 17, "steps[0]: expected a step: send, wait, wait_until, wait_for, branch, split, update, exit, found a mapping"),
    (J, "  - wait: 1h\n", "  - exit: true\n", 18, "steps[1]: expected no step behind exit, found one; remove it or the exit"),
    (J, "  - wait: 1h\n", "  - wait_until: 9h\n", 17, "steps[0].wait_until: expected a clock time such as \"09:00\", found text '9h'; put it in quotes"),
    (J, "  - wait: 1h\n", "  - wait_until: {field: sku}\n", 17, "steps[0].wait_until.field: expected a timestamp or a date, found 'sku', which is text; name another field"),
    (J, "  - wait: 1h\n", "  - wait_until: {field: added_at, before: 1h, after: 2h}\n", 17, "steps[0].wait_until.after: expected before or after, found both; remove one"),
    (J, "  - wait: 1h\n", "  - wait_for: {event: purchase}\n", 17, "steps[0].timeout: the key is missing; add it: after so long the wait is over in any case"),
    (J, "  - wait: 1h\n", "  - {wait_for: {event: purchases}, timeout: 1d}\n", 17, "steps[0].wait_for.event: expected a known event type, found 'purchases'"),
    (J, "  - wait: 1h\n", "  - {wait_for: {event: purchase, where: {attribute: name, op: exists}}, timeout: 1d}\n", 17, "steps[0].wait_for.where.attribute: expected a field of the event, found attribute 'name'"),
    (J, "  - wait: 1h\n", "  - {wait_for: {condition: {attribute: nome, op: exists}}, timeout: 1d}\n", 17, "steps[0].wait_for.condition.attribute: expected a known attribute, found 'nome'"),
    (J, "  - wait: 1h\n", "  - {wait_for: purchase, timeout: 1d}\n", 17, "steps[0].wait_for: expected {event: TYPE} or {condition: ...}, found text 'purchase'"),
    (J, "  - wait: 1h\n", "  - branch: [{steps: [{wait: 1h}]}, {steps: []}]\n", 17, "steps[0].branch[1]: expected no way behind one without if, found one; move the other to the end"),
    (J, "  - wait: 1h\n", "  - {split: ab, shares: [{name: a, percent: 60}, {name: b, percent: 50}]}\n", 17, "steps[0].shares: expected at most 100 percent, found 110; lower a share"),
    (J, "  - wait: 1h\n", "  - {split: ab, shares: [{name: a, percent: 60}, {name: a, percent: 40}]}\n", 17, "steps[0].shares[1].name: expected another name of a share, found 'a', which is taken in line 17; choose another"),
    (J, "  - wait: 1h\n", "  - {send: remind, channel: web, template: x}\n", 18, "steps[1].send: expected another name of a step that sends, found 'remind', which is taken in line 17; choose another"),
    (J, "  - wait: 1h\n", "  - {split: ab, shares: [{name: a, percent: half}]}\n", 17, "steps[0].shares[0].percent: expected a number from 0 to 100, found text 'half'; write a percentage such as 50"),
    (J, "wait: 1h", "wait: 1h, 30m", 17, "steps[0].wait: expected a duration such as 30m, 12h or 7d, found '1h, 30m'"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "message"),
    [
        pytest.param(*mistake, id=f"{mistake[2]}".replace("\n", " "))
        for mistake in SETTINGS + PROFILES + JOURNEYS
    ],
)
def test_a_mistake_is_told_in_its_place(
    shop: Shop, file: str, old: str, new: str, line: int, message: str
) -> None:
    shop.environment["SHORT"] = "short"
    shop.edit(file, old, new)
    matching = [problem for problem in shop.found() if message in problem[2]]
    assert [problem[:2] for problem in matching] == [(file, line)], shop.found()


def test_mistakes_of_all_files_are_told_at_once(shop: Shop) -> None:
    shop.edit(W, "region: DE", "region: XX")
    shop.edit(W, "address: email", "address: fax")
    shop.edit(P, "event: login", "event: logon")
    shop.edit(P, "lookback: 7d", "lookback: 7")
    shop.edit(J, "channel: email", "channel: sms")
    shop.edit(J, "category: commercial", "category: ads")
    shop.write("journeys/broken.yaml", "name: broken\nsteps: [\n")
    shop.write("journeys/other.yml", "name: other\n")
    shop.edit("schemas/login.v1.avsc", '"device"', "device")
    found = [problem[:2] for problem in shop.found() if not problem[0].startswith("schemas/")]
    assert found == [
        ("journeys/broken.yaml", 3),
        (J, 3),
        (J, 19),
        ("journeys/other.yml", 1),
        (P, 5),
        (P, 7),
        (W, 4),
        (W, 12),
    ]
    assert [problem[0] for problem in shop.found() if problem[0].startswith("schemas/")] == [
        "schemas/login.v1.avsc"
    ]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (W, "{name: email, address: email}", "{name: email, adress: email}"),
        (W, "{name: email, priority: 2, ", "{nam: email, priority: 2, "),
        (W, "{name: email, address: email}", "{nam: email, address: email}"),
        (P, "name: items_in_cart,", "nam: items_in_cart,"),
        (P, "field: sku, aggregate: count, lookback: 7d", "field: sku, aggregate: counts, lookback: 7d"),
        (P, "templates:\n", "templates: 5\n#"),
        (P, "templates:", "templates: {"),
    ],
)
def test_one_mistake_is_told_once(shop: Shop, file: str, old: str, new: str) -> None:
    if file == P and new.startswith("templates"):
        shop.write(P, "templates: 5\n" if "5" in new else "templates: {\n")
    else:
        shop.edit(file, old, new)
    assert [problem[0] for problem in shop.found()] == [file]


def test_a_schema_with_a_mistake_brings_no_others(shop: Shop) -> None:
    shop.write("schemas/cart_added.v1.avsc", "{")
    assert {problem[0] for problem in shop.found()} == {"schemas/cart_added.v1.avsc"}


def test_a_missing_schemas_folder_is_one_problem(shop: Shop) -> None:
    for path in (shop.directory / "schemas").iterdir():
        path.unlink()
    (shop.directory / "schemas").rmdir()
    ((name, _, message),) = shop.found()
    assert name == "schemas"
    assert message.startswith("expected a folder with the event types' schemas, found none")


@pytest.mark.parametrize("name", [W, P])
def test_a_missing_file_is_one_problem(shop: Shop, name: str) -> None:
    (shop.directory / name).unlink()
    assert shop.found() == [(name, 1, "expected this file, found none; add it")]


def test_an_identity_field_of_an_unknown_namespace_is_told_in_its_schema(shop: Shop) -> None:
    shop.edit("schemas/customer_registered.v1.avsc", '"identity": "email"', '"identity": "emial"')
    text = (shop.directory / "schemas/customer_registered.v1.avsc").read_text("utf-8")
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "emial" in row)
    message = "fields[1].identity: expected a known namespace, found 'emial'; did you mean email?"
    assert shop.found() == [("schemas/customer_registered.v1.avsc", line, message)]


def test_two_journeys_of_one_name(shop: Shop) -> None:
    shop.write("journeys/second.yaml", (shop.directory / J).read_text("utf-8"))
    messages = [problem[2] for problem in shop.found() if problem[0] == "journeys/second.yaml"]
    assert len(messages) == 2
    assert any(
        "expected another journey name, found 'cart_left_behind', which is taken in cart_left_behind.yaml, line 1"
        in message
        for message in messages
    )


def test_a_field_must_exist_in_every_entry_event(shop: Shop) -> None:
    shop.edit(J, "event: cart_added", "event: [cart_added, purchase]")
    assert [problem[:2] for problem in shop.found()] == [(J, 8), (J, 21)]
    assert all("of purchase version 1" in problem[2] for problem in shop.found())


@pytest.mark.parametrize(
    "condition",
    [
        "{field: tags, op: contains, value: red}",
        "{field: numbers, op: contains, value: 5}",
        "{field: numbers, op: gt, value: 5}",
        "{field: counts, op: contains, value: red}",
        "{field: sku, op: contains, value: S}",
        "{field: sku, op: gt, value: S}",
        "{field: shop, op: exists}",
        "{field: shop.city, op: in, value: [Bonn]}",
        "{field: added_at, op: within, value: 2h}",
        "{field: deliver_on, op: within, value: 2d}",
        "{field: $time, op: lt, value: 2026-06-01}",
        "{field: $source, op: eq, value: app}",
        "{field: gift, op: ne, value: true}",
        "{field: price, op: in, value: [1, 2.5]}",
        "{any: [{not: {field: price, op: lt, value: 1}}, {all: [{field: sku, op: exists, value: false}]}]}",
    ],
)
def test_ops_that_fit(shop: Shop, condition: str) -> None:
    shop.edit(J, "{field: price, op: ge, value: 20}", condition)
    assert shop.found() == []
