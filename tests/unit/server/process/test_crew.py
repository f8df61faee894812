from stunkit.server.process.crew import CREW_SIZE, Crew


def test_is_one_process_that_serves_when_there_is_no_parent():
    crew = Crew()
    assert (crew.wanted, crew.serving, crew.replaced, crew.is_complete) == (1, 1, 0, True)


def test_tells_those_who_share_its_memory():
    memory = memoryview(bytearray(CREW_SIZE))
    parent, worker = Crew(3, memory), Crew(3, memory)
    assert (worker.serving, worker.is_complete) == (0, False)
    parent.serving = 3
    parent.complete()
    parent.serving -= 1
    parent.replaced += 1
    assert (worker.serving, worker.replaced, worker.is_complete) == (2, 1, True)
