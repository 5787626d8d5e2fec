"""`tillpost link`: an address with its campaign tags, or the template of an ad platform."""

import click

from tillpost.cli.options import as_json, print_json


@click.command()
@click.argument("url", required=False)
@click.option("--source", default="", help="Where the link stands: newsletter, anna, google.")
@click.option("--medium", default="", help="What kind of place: email, cpc, paid_social.")
@click.option("--campaign", default="", help="Its campaign.")
@click.option("--term", default="", help="A search word, or an ad set's id.")
@click.option("--content", default="", help="Which of several links, or an ad's id.")
@click.option("--id", "campaign_id", default="", help="The campaign's id at the ad platform.")
@click.option("--platform", help="Print what to paste into this ad platform's URL parameters.")
@as_json
def link(  # noqa: PLR0913  # one parameter an option
    url: str | None,
    *,
    source: str,
    medium: str,
    campaign: str,
    term: str,
    content: str,
    campaign_id: str,
    platform: str | None,
    as_json: bool,
) -> None:
    """Print URL with its campaign tags, in the one spelling in which they are compared.

    With --platform, print the template that fills them in for every ad.
    """
    from tillpost.core import links
    from tillpost.core.outcome import Misconfigured

    if platform is not None:
        template = links.TEMPLATES.get(platform.lower())
        if template is None:
            known = ", ".join(links.TEMPLATES)
            raise Misconfigured(f"no template of {platform[:40]!r}: use one of {known}")
        told = {"tags": template.tags, "where": template.where, "remark": template.remark}
    elif url is not None:
        tags = {
            "source": source, "medium": medium, "campaign": campaign, "term": term,
            "content": content, "id": campaign_id,
        }  # fmt: skip
        told = {"url": links.build(url, tags)}
    else:
        raise click.UsageError("name an address, or a platform with --platform")
    if as_json:
        print_json(told)
        return
    click.echo(told.get("url") or told["tags"])
    for more in ("where", "remark"):
        if told.get(more):
            click.echo(told[more], err=True)
