"""Whatever is done to a message on the way, a closed server lets in only what its signer said, and
nobody is talked into signing with less than both sides can."""

from __future__ import annotations

import hmac

from hypothesis import event, given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.errors import WireError
from stunkit.protocol.credentials import Credentials, expiry, rest_password
from stunkit.protocol.login import Login
from stunkit.protocol.nonces import Nonces
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Site
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import add_integrity, add_integrity_sha256
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, nonce_cookie
from stunkit.wire.registry import MessageClass, Method
from tests.signing import (
    ALGORITHM,
    ALGORITHMS,
    CLIENT,
    INTEGRITY,
    INTEGRITY_SHA256,
    NONCE,
    REALM,
    SERVER,
    USERHASH,
    USERNAME,
    Signer,
    ask,
    message,
)
from tests.strategies import (
    attribute_lists,
    datagrams,
    messages,
    scoped_endpoints,
    type_numbers,
)

NOW = 1_800_000_000.0
HOME = "stun.example"
NONCE_SECRET = bytes(range(16))
PASSWORDS = {"ann": "secret"}
SHORT = Site(credentials=Credentials(PASSWORDS, secrets=["north"]))
LONG = Site(credentials=Credentials(PASSWORDS, realm=HOME, nonce_secret=NONCE_SECRET))
SHARED = Site(credentials=Credentials(secrets=["north"], realm=HOME, nonce_secret=NONCE_SECRET))
SITES = (
    SHORT,
    LONG,
    SHARED,
    Site("stunkit", is_stream=True, credentials=LONG.credentials),
)
ANN = Signer.challenged(LONG, NOW, "ann", "secret")
SIGNERS = [
    ANN.but(is_legacy=is_legacy, is_anonymous=is_anonymous)
    for is_legacy in (False, True)
    for is_anonymous in (False, True)
]
REFUSED = {Disposition.BAD_REQUEST, Disposition.UNAUTHENTICATED, Disposition.STALE_NONCE}
ANSWERS = REFUSED | {Disposition.ANSWERED, Disposition.UNKNOWN_ATTRIBUTE}
CODES = {
    Disposition.BAD_REQUEST: 400,
    Disposition.UNAUTHENTICATED: 401,
    Disposition.UNKNOWN_ATTRIBUTE: 420,
    Disposition.STALE_NONCE: 438,
}
OURS = (USERNAME, USERHASH, REALM, NONCE, ALGORITHM, ALGORITHMS, INTEGRITY, INTEGRITY_SHA256)

times = st.floats(0, 1e11)
secrets = st.binary(min_size=16, max_size=40)
realms = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)
features = st.sampled_from([SecurityFeature(bits) for bits in range(4)])
own_types = st.sampled_from(OURS) | type_numbers


@st.composite
def tampered(draw: st.DrawFn, right: Message, others: list[tuple[int, bytes]]) -> Message:
    """A message whose attributes were stripped, moved, repeated, changed or added to."""
    pairs = list(right.attributes)
    for _ in range(draw(st.integers(1, 3))):
        deed = draw(st.sampled_from(("strip", "move", "repeat", "change", "add", "borrow")))
        place = draw(st.integers(0, len(pairs)))
        if deed == "add":
            pairs.insert(place, (draw(own_types), draw(st.binary(max_size=36))))
        elif deed == "borrow":
            pairs.insert(place, draw(st.sampled_from(others)))
        elif pairs:
            number, value = pairs[place - 1]
            if deed != "repeat":
                del pairs[place - 1]
            if deed == "change":
                at = draw(st.integers(0, len(value)))
                value = value[:at] + draw(st.binary(max_size=2)) + value[at + 1 :]
            if deed != "strip":
                to = place - 1 if deed == "change" else draw(st.integers(0, len(pairs)))
                pairs.insert(to, (number, value))
    return message(*pairs, kind=right.message_class)


def is_proven(request: Message, keys: set[bytes]) -> bool:
    """Whether the request holds an HMAC of all that precedes it, under one of these keys."""
    place = 20
    for number, value in request.attributes:
        name = {INTEGRITY: "sha1", INTEGRITY_SHA256: "sha256"}.get(number)
        if name is not None:
            length = (place - 20 + 4 + len(value)).to_bytes(2, "big")
            text = request.raw[:2] + length + request.raw[4:place]
            if any(hmac.new(key, text, name).digest() == value for key in keys):
                return True
        place += 4 + (len(value) + 3 & ~3)
    return False


@given(st.data(), st.sampled_from(SIGNERS))
def test_tampered_long_term_request_is_let_in_only_if_it_is_proven(
    data: st.DataObject, who: Signer
):
    others = [pair for signer in SIGNERS for pair in signer.request().attributes]
    request = data.draw(tampered(who.request((0x8022, b"someone")), others))
    response = ask(LONG, request, NOW)
    event(response.disposition)
    if response.disposition is Disposition.BAD_FINGERPRINT:
        return
    made = Message.decode(response.data)
    if {number for number, _ in made.attributes} & {INTEGRITY, INTEGRITY_SHA256}:
        assert is_proven(request, {signer.key for signer in SIGNERS})
    else:
        assert response.disposition in REFUSED


@given(st.data(), st.booleans(), st.booleans())
def test_tampered_short_term_request_is_let_in_only_if_it_is_proven(
    data: st.DataObject, first: bool, second: bool
):
    right = message((0x8022, b"someone"), (USERNAME, b"ann"))
    if first or not second:
        right = add_integrity(right, b"secret")
    if second:
        right = add_integrity_sha256(right, b"secret")
    request = data.draw(tampered(right, [(USERNAME, b"eve"), (USERNAME, b"ann")]))
    response = ask(SHORT, request, NOW)
    event(response.disposition)
    if response.disposition is Disposition.BAD_FINGERPRINT:
        return
    made = Message.decode(response.data)
    if {number for number, _ in made.attributes} & {INTEGRITY, INTEGRITY_SHA256}:
        assert is_proven(request, {b"secret"})
    else:
        assert response.disposition in REFUSED


closed_requests = st.builds(
    lambda listed, raw: message(*raw, *((kind, value) for kind, value in listed.attributes)),
    st.builds(Message.request, st.just(Method.BINDING), st.just(bytes(12)), attribute_lists),
    st.lists(st.tuples(st.sampled_from(OURS), st.binary(max_size=36)), max_size=7),
)
anything = st.sampled_from((True, True, False)).flatmap(
    lambda is_request: closed_requests.map(lambda made: made.raw) if is_request else datagrams
)


@given(anything, scoped_endpoints, st.sampled_from(SITES), times, st.booleans())
def test_answers_anything_within_its_budget_and_lets_in_nothing_unsigned(
    data: bytes, source: Endpoint, site: Site, now: float, marked: bool
):
    if marked:
        data = marked_with_fingerprint(data)
    response = respond(Received(data, source, SERVER), site, now)
    event(response.disposition)
    assert bool(response.data) == (response.disposition in ANSWERS)
    if not response.data:
        return
    assert data[:2] == b"\0\1"
    assert response.disposition in REFUSED
    assert len(response.data) <= site.budget(len(data), source.family)
    made = Message.decode(response.data)
    assert made.get(ErrorCode).code == CODES[response.disposition]
    assert check_fingerprint(made) is not False
    types = {number for number, _ in made.attributes}
    assert not types & {INTEGRITY, INTEGRITY_SHA256, USERNAME, USERHASH}
    is_challenge = response.disposition is not Disposition.BAD_REQUEST
    is_classic = made.is_classic
    is_long_term = site.credentials is not None and site.credentials.realm is not None
    assert ({REALM, NONCE, ALGORITHMS} <= types) == (
        is_challenge and is_long_term and not is_classic
    )


def marked_with_fingerprint(data: bytes) -> bytes:
    """The datagram with a right FINGERPRINT, where it can have one."""
    try:
        return add_fingerprint(Message.decode(data)).raw
    except WireError:
        return data


@given(scoped_endpoints, times, st.floats(0, 599), st.sampled_from(SIGNERS))
def test_who_answers_a_challenge_is_let_in_while_it_is_fresh(
    source: Endpoint, now: float, age: float, kind: Signer
):
    who = Signer.challenged(LONG, now, "ann", "secret", source)
    who = who.but(is_legacy=kind.is_legacy, is_anonymous=kind.is_anonymous)
    response = ask(LONG, who.request(), now + age, source)
    assert response.disposition is Disposition.ANSWERED
    assert who.trusts(Message.decode(response.data))


@given(scoped_endpoints, times, times, st.integers(0, 700), st.integers(1, 600))
def test_nonce_is_valid_for_its_lifetime_and_no_longer(
    source: Endpoint, now: float, sometime: float, age: int, lifetime: int
):
    nonces = Nonces(NONCE_SECRET, HOME, SecurityFeature(0), lifetime)
    nonce = nonces.issue(source, now)
    for later in (now + age, now - age, sometime):
        expected = 0 <= int(later) - int(now) < lifetime
        assert nonces.is_valid(nonce, source, later) == expected


issuers = st.tuples(secrets, realms, features)


@given(issuers, issuers, scoped_endpoints, scoped_endpoints, times)
def test_nonce_is_valid_only_where_it_was_issued_and_only_for_its_source(
    ours: tuple[bytes, str, SecurityFeature],
    theirs: tuple[bytes, str, SecurityFeature],
    source: Endpoint,
    other: Endpoint,
    now: float,
):
    nonce = Nonces(*theirs).issue(other, now)
    is_same = ours == theirs and (source.packed, source.port) == (other.packed, other.port)
    assert Nonces(*ours).is_valid(nonce, source, now) == is_same
    assert Nonces(*theirs).is_valid(nonce, other, now)


@given(st.binary(max_size=40), times)
def test_invented_nonce_is_never_valid(nonce: bytes, now: float):
    assert not Nonces(NONCE_SECRET, HOME, SecurityFeature(0)).is_valid(nonce, CLIENT, now)


@given(st.text(max_size=30) | st.from_regex(r"[0-9]{0,11}:?[0-9a-z:]{0,9}", fullmatch=True), times)
def test_shared_secret_vouches_for_a_username_until_it_expires(username: str, now: float):
    try:
        name = username.encode()
    except UnicodeEncodeError:
        return
    expires = expiry(username)
    keys = SHORT.credentials.keys_of(name, now)
    if expires is not None and now < expires:
        assert keys == (rest_password("north", username).encode(),)
    else:
        assert keys == ()
    assert len(SHARED.credentials.keys_of(name, now)) == len(keys)


@given(st.binary(max_size=60), times)
def test_keys_of_any_bytes_are_found_or_not(name: bytes, now: float):
    for site in SITES:
        assert len(site.credentials.keys_of(name, now)) <= 1
        site.credentials.username_of(name)


# What an attacker may hope to get a client to believe: other features, algorithms and realms.
LURES = [(NONCE, nonce_cookie(SecurityFeature(bits)) + ANN.nonce[13:]) for bits in range(4)] + [
    (NONCE, ANN.nonce[13:]),
    (ALGORITHMS, b"\0\1\0\0"),
    (ALGORITHMS, b"\0\1\0\0\0\2\0\0"),
    (ALGORITHMS, b"\0\2\0\0\0\1\0\0"),
    (REALM, b"other.example"),
]


@given(st.data())
def test_tampered_challenge_leads_to_the_strongest_request_or_to_none(data: st.DataObject):
    challenge = Message.decode(ask(LONG, message(), NOW).data)
    login = Login("ann", "secret")
    if not login.learn(message(), data.draw(tampered(challenge, LURES))):
        event("no request")
        return
    request, signature = login.request(bytes(12))
    response = ask(LONG, request, NOW)
    event(response.disposition)
    if response.disposition is Disposition.ANSWERED:
        types = [number for number, _ in request.attributes]
        assert types == [USERHASH, REALM, NONCE, ALGORITHMS, ALGORITHM, INTEGRITY_SHA256]
        assert request.value(ALGORITHM) == b"\0\2\0\0"
        assert signature.accepts(Message.decode(response.data))


@given(messages, messages, st.booleans())
def test_login_takes_any_response(first: Message, second: Message, is_short_term: bool):
    login = Login("ann", "secret", is_short_term=is_short_term)
    for response in (first, second):
        request, signature = login.request(bytes(12))
        login.learn(request, response)
        if signature is not None:
            signature.accepts(response)


@given(st.data())
def test_tampered_success_counts_only_if_it_is_proven(data: st.DataObject):
    login = Login("ann", "secret")
    login.learn(message(), Message.decode(ask(LONG, message(), NOW).data))
    request, signature = login.request(bytes(12))
    answer = Message.decode(ask(LONG, request, NOW).data)
    changed = data.draw(tampered(answer, LURES))
    assert changed.message_class is MessageClass.SUCCESS_RESPONSE
    if signature.accepts(changed):
        event("accepted")
        assert is_proven(changed, {signature.key})
