"""A server's figures in the words of Prometheus; needs the extra ``metrics``.

Names, help texts and labels are stated here once, in ``METRICS``; the manual's table is checked
against them. Rules of this file: every label has a closed set of values, none of which came from
the network, so that nobody outside can make series. A series that can happen is there from the
start, with 0, since a rate needs a first value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from stunkit.endpoint import Family
from stunkit.protocol.respond import Disposition
from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.figures import Facts, Figures
from stunkit.wire.uri import Transport


class Description(NamedTuple):
    """What is said about one metric; a name that ends in ``_total`` is a counter's."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


_WAY = ("transport", "family")

MESSAGES = Description(
    "stunkit_messages_total",
    "Datagrams, and messages over TCP and TLS, that arrived, by what became of them.",
    (*_WAY, "lane", "disposition"),
)
RECEIVED = Description("stunkit_received_bytes_total", "Bytes of payload received.", _WAY)
SENT = Description("stunkit_sent_bytes_total", "Bytes of payload sent.", _WAY)
UNSENT = Description(
    "stunkit_unsent_total",
    "Answers over UDP that the kernel had no room for, or no route.",
    ("family",),
)
KERNEL_DROPS = Description(
    "stunkit_kernel_drops_total",
    "Datagrams that the kernel dropped because a socket's queue was full; looked at every 10 s.",
    ("family",),
)
ERRORS = Description("stunkit_errors_total", "Errors of the server's own code.", _WAY)
CONNECTIONS = Description("stunkit_connections", "TCP and TLS connections that are open.")
CONNECTIONS_LIMIT = Description(
    "stunkit_connections_limit", "TCP and TLS connections that may be open at a time."
)
LIMIT_RATE = Description(
    "stunkit_limit_answers_per_second",
    "Answers a second over UDP that a source prefix may get; 0 without a limit.",
)
WORKERS = Description("stunkit_workers", "Processes that are to serve.")
WORKERS_SERVING = Description("stunkit_workers_serving", "Processes that serve.")
WORKERS_REPLACED = Description(
    "stunkit_workers_replaced_total", "Processes that ended before they were told to."
)
PARTNER_UP = Description(
    "stunkit_partner_up", "1 while the link to the partner is up; only with a partner."
)
PARTNER_OTHER_ADDRESS = Description(
    "stunkit_partner_other_address",
    "1 while the partner's address is named as OTHER-ADDRESS; only with a partner.",
)
PARTNER_MESSAGES = Description(
    "stunkit_partner_messages_total",
    "Messages of the link to the partner, by what became of them; only with a partner.",
    ("outcome",),
)
SIGNAL_CONNECTIONS = Description(
    "stunkit_signal_connections", "WebSockets that are open; only with signalling."
)
SIGNAL_ROOMS = Description(
    "stunkit_signal_rooms",
    "Rooms with somebody in them who is connected to this server; only with signalling.",
)
SIGNAL_MADE = Description(
    "stunkit_signal_rooms_made_total", "Rooms that were made; only with signalling."
)
SIGNAL_MESSAGES = Description(
    "stunkit_signal_messages_total",
    "Messages from one peer to the other; only with signalling.",
    ("kind",),
)
SIGNAL_EVENTS = Description(
    "stunkit_signal_events_total",
    "What happened in rooms: peers that joined, were lost, came back or left, and rooms that were "
    "closed; only with signalling.",
    ("event",),
)
SIGNAL_REFUSED = Description(
    "stunkit_signal_refused_total",
    "Errors that clients were told, by code; only with signalling.",
    ("code",),
)
SIGNAL_STORE_ERRORS = Description(
    "stunkit_signal_store_errors_total",
    "Times that the store of rooms did not do what it was asked; only with signalling.",
)
STARTED = Description(
    "stunkit_start_time_seconds", "When the server started, in seconds since 1970."
)
BUILD = Description("stunkit_build_info", "Always 1; says which version runs.", ("version",))

METRICS = (
    MESSAGES,
    RECEIVED,
    SENT,
    UNSENT,
    KERNEL_DROPS,
    ERRORS,
    CONNECTIONS,
    CONNECTIONS_LIMIT,
    LIMIT_RATE,
    WORKERS,
    WORKERS_SERVING,
    WORKERS_REPLACED,
    PARTNER_UP,
    PARTNER_OTHER_ADDRESS,
    PARTNER_MESSAGES,
    SIGNAL_CONNECTIONS,
    SIGNAL_ROOMS,
    SIGNAL_MADE,
    SIGNAL_MESSAGES,
    SIGNAL_EVENTS,
    SIGNAL_REFUSED,
    SIGNAL_STORE_ERRORS,
    STARTED,
    BUILD,
)


def encode(figures: Figures, facts: Facts, accept: str = "") -> tuple[bytes, str]:
    """Return the figures as text, and its content type: the one of ``accept`` that fits best."""
    registry = CollectorRegistry()
    registry.register(_Collector(figures, facts))
    encoder, content_type = choose_encoder(accept)
    return encoder(registry), content_type


class _Collector(Collector):
    """Hands the figures to prometheus-client, all of them of one moment."""

    def __init__(self, figures: Figures, facts: Facts) -> None:
        self._figures = figures
        self._facts = facts
        self._total = Counters.sum(figures.counters)

    def describe(self) -> list[Metric]:
        """Return nothing: there is one collector, and no name to collide with."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from self._messages()
        yield from self._bytes_and_losses()
        facts, crew = self._facts, self._figures.crew
        yield _single(CONNECTIONS, self._total.connections)
        yield _single(CONNECTIONS_LIMIT, facts.max_connections)
        yield _single(LIMIT_RATE, facts.limit_rate)
        yield _single(WORKERS, crew.wanted)
        yield _single(WORKERS_SERVING, crew.serving)
        yield _single(WORKERS_REPLACED, crew.replaced)
        if facts.partner is not None:
            yield _single(PARTNER_UP, facts.partner.is_up)
            yield _single(PARTNER_OTHER_ADDRESS, facts.partner.is_other_address)
            yield _family(
                PARTNER_MESSAGES, {(name,): n for name, n in facts.partner.messages.items()}
            )
        if facts.has_web:
            yield from self._signalling()
        yield _single(STARTED, self._figures.started)
        yield _family(BUILD, {(facts.version,): 1})

    def _messages(self) -> Iterator[Metric]:
        yield _family(
            MESSAGES,
            {
                (transport, family, self._lane(transport), kind): tally[kind]
                for (transport, family), tally in self._total.tallies.items()
                for kind in Disposition
            },
        )

    def _bytes_and_losses(self) -> Iterator[Metric]:
        tallies = self._total.tallies
        yield _family(RECEIVED, {way: tally.bytes_in for way, tally in tallies.items()})
        yield _family(SENT, {way: tally.bytes_out for way, tally in tallies.items()})
        of_udp = {(family,): self._total.of(Transport.UDP, family) for family in Family}
        yield _family(UNSENT, {way: tally.unsent for way, tally in of_udp.items()})
        yield _family(KERNEL_DROPS, {way: tally.kernel_drops for way, tally in of_udp.items()})
        yield _family(ERRORS, {way: tally.errors for way, tally in tallies.items()})

    def _signalling(self) -> Iterator[Metric]:
        tally = self._total.signalling
        yield _single(SIGNAL_CONNECTIONS, tally.connections)
        yield _single(SIGNAL_ROOMS, tally.rooms)
        yield _single(SIGNAL_MADE, tally.made)
        yield _family(SIGNAL_MESSAGES, {(kind,): n for kind, n in tally.relayed.items()})
        yield _family(SIGNAL_EVENTS, {(event,): n for event, n in tally.happened.items()})
        yield _family(SIGNAL_REFUSED, {(code,): n for code, n in tally.refused.items()})
        yield _single(SIGNAL_STORE_ERRORS, tally.store_errors)

    def _lane(self, transport: Transport) -> str:
        return self._facts.lane if transport is Transport.UDP else "stream"


def _single(description: Description, value: float) -> Metric:
    return _family(description, {(): value})


def _family(description: Description, values: Mapping[tuple[str, ...], float]) -> Metric:
    """Return a metric with a value for each tuple of labels."""
    is_counter = description.name.endswith("_total")
    kind = CounterMetricFamily if is_counter else GaugeMetricFamily
    metric = kind(description.name, description.help, labels=description.labels)
    for labels, value in values.items():
        metric.add_metric([str(label) for label in labels], value)
    return metric
