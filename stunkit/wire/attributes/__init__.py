"""The attributes that stunkit can read and write, one small class each, by subject.

``table`` finds a class by its type number. To stand there means only that the value can be
decoded; which attributes a server acts on is decided in ``protocol.respond``.
"""
