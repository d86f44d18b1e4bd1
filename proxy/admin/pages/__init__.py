"""The pages: the same values as the API's, as HTML, for people. Rendered here, with little script and no build step.

- `words`    how times, sizes and verdicts are written [pure]
- `assets`   style, script and plots, under names that change with their content
- `render`   a template and values in, a page out; texts are escaped, whatever they hold
- `planned`  the parts of a plan, as tables [pure]
- `routes`   the pages themselves, and their forms

Templates are in `proxy/admin/templates`, what browsers load in `proxy/admin/static`. See docs/admin.md.
"""
