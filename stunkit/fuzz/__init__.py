"""Break it on purpose: strategies, a mutator, two fuzzers, and what other projects' tests use."""
