"""What is shown, gathered: async methods that take the viewer and what is asked, and answer values of `admin.shown`.
They know no HTTP; who may not see or ask something gets an `ApiError`.

- `starts`, `start` and `feed` show an `index` of the newest starts. A `reader` fills it from the journal's files
  (`sweep` finds the newest, `row` makes entries), and `follow` has it look again and again; `asked` is what is asked of
  it, `detail` opens one start;
- `history` keeps an hour of what the processes count, `traffic` shows it;
- `journal` shows files, chain and sinks: `files`, `sinks`, `verifying` and `exporting` do the work.
"""
