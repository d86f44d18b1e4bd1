"""What one condition may cost. Every number says what it bounds and why it is that large.

A condition has no recursion and no unbounded loop, so its cost is known from its text and from the sizes of what it
looks at. The first is bounded when rules are loaded, the second before each evaluation (`cost`).
"""

# Length of a condition in bytes of UTF-8. The longest of the shipped examples has 200; a list of 100 names fits.
TEXT_BYTES = 8192

# Nodes of the expression once macros are expanded (`exists` is eight of them). About what TEXT_BYTES can hold of
# sensible text; it stops conditions that a generator wrote.
NODES = 2000

# `exists`, `all`, `filter`, `map` within each other. Two are enough for every job against every source.
LOOPS_DEEP = 2

# Brackets and operators within each other, and links of a chain such as `a + b + c`, as the library's parser counts
# them. It is its own fixed limit: `&&` and `||` are not counted.
NESTING = 32

# A regular expression after its repetitions are written out, in bytes; `.` and negated classes count 8 (they are
# several bytes in UTF-8). RE2 is linear, but compiles anew for each match: 0.2 µs a byte.
REGEX_BYTES = 1000

# Steps of one evaluation. A step is about 20 ns: comparing two short texts, or evaluating one node. So no guard takes
# longer than about ten milliseconds, which other starts wait for.
STEPS = 500_000

# Terms of the polynomial that gives the steps. It is evaluated before each evaluation, at 0.3 µs a term; a condition
# over every list there is, in two loops, has about a hundred.
TERMS = 300

# Rounds of all loops of one evaluation. It is the library's own fixed limit; the last is never run.
ROUNDS = 10_000

# Levels of JSON in `job.settings` and `job.config`. Elasticsearch's own parser allows 1,000; jobs have about six. The
# library converts values by recursion in C++, where too deep a value would end the process.
JSON_DEPTH = 100

# Bytes of text that are searched, compared or copied in one step.
BYTES_A_STEP = 64
