"""Commands with options that take several values: `--billed hero "spring-*" fox`."""

from collections.abc import Collection, Iterator

import click


class Several(click.Command):
    """A command in which the words after a repeatable option are all values of it.

    They end at the next option, or at `--`: what follows that are arguments. A value that begins
    with a dash is written `--billed=-that`.
    """

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show the arguments first: after such an option, they would be values of it."""
        options, *arguments = super().collect_usage_pieces(ctx)
        return [*arguments, options]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Write the option before each of its values, as click expects it."""
        options = [one for one in self.params if isinstance(one, click.Option)]
        many = {name for one in options if one.multiple for name in one.opts}
        single = {
            name for one in options if not one.multiple and not one.is_flag for name in one.opts
        }
        return super().parse_args(ctx, list(_repeated(iter(args), many, single)))


def _repeated(
    words: Iterator[str], many: Collection[str], single: Collection[str]
) -> Iterator[str]:
    """Yield the arguments, with each value of an option of `many` as `--option=value`.

    The word after an option of `single` is its value, whatever it looks like.
    """
    last = ""  # the option that takes more values
    needs = False
    for word in words:
        name, equals, _ = word.partition("=")
        is_option = word.startswith("-") and word != "-"
        if needs and is_option:
            break
        needs = name in many and not equals
        if word == "--":
            yield word
            yield from words
        elif is_option:
            last = name if name in many else ""
            if not needs:
                yield word
            if word in single:
                yield from (value for value in (next(words, None),) if value is not None)
        else:
            yield f"{last}={word}" if last else word
    if needs:
        raise click.BadOptionUsage(last, f"Option {last!r} needs at least one value.")
