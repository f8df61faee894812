"""Hypothesis strategies that draw networks: boxes, weather and servers that lie."""

from __future__ import annotations

from hypothesis import strategies as st

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling, PortAssignment, Refresh
from stunkit.endpoint import Family
from stunkit.sim.network import Weather
from stunkit.sim.server import Lie
from stunkit.sim.world import World

LOSS = 0.2  # each way, at the most

filterings = st.sampled_from(Filtering)
refreshes = st.sampled_from(Refresh)
lifetimes = st.floats(12.0, 400.0)

nats = st.builds(
    Behavior,
    mapping=st.sampled_from(Mapping),
    filtering=filterings,
    port_assignment=st.sampled_from(PortAssignment),
    pooling=st.sampled_from(Pooling),
    pool_size=st.integers(1, 3),
    refresh=refreshes,
    lifetime=lifetimes,
    hairpin=st.booleans(),
    fragments=st.booleans(),
    rewrites=st.booleans(),
    maps_unsolicited=st.booleans(),
    answers_through=st.booleans(),
)
firewalls = st.builds(
    Behavior,
    nat=st.just(value=False),
    filtering=filterings,
    refresh=refreshes,
    lifetime=lifetimes,
    fragments=st.booleans(),
)
walls = st.just(Behavior(blocks_udp=True))
layers = st.lists(nats | nats | nats | firewalls, max_size=2).map(tuple)
blocked_layers = st.tuples(nats, walls) | st.tuples(walls)

clear_weather = st.builds(Weather, delay=st.floats(0.0001, 0.4))
rough_weather = st.builds(
    Weather,
    loss=st.floats(0.0, LOSS),
    duplication=st.floats(0.0, 0.2),
    delay=st.floats(0.0001, 0.3),
    jitter=st.floats(0.0, 0.2),
)
families = st.sampled_from(Family)
seeds = st.integers(0, 2**32 - 1)
lies = st.lists(st.sampled_from(Lie), min_size=1, max_size=3).map(tuple)

clear_worlds = st.builds(World, layers=layers, weather=clear_weather, family=families, seed=seeds)
rough_worlds = st.builds(
    World,
    layers=layers | layers | layers | blocked_layers,
    weather=rough_weather,
    family=families,
    seed=seeds,
)
lying_worlds = st.builds(
    World,
    layers=layers | layers | layers | blocked_layers,
    weather=clear_weather | rough_weather,
    lies=lies,
    family=families,
    seed=seeds,
)
