"""login, logout."""

from __future__ import annotations

import sys

import click

from ..client import Client
from ..errors import ApiError
from .house import URL, House, address, pass_house
from .keeping import Kept, KeptTokens


@click.command()
@click.option("--url", envvar=URL, help="The server, e.g. https://roundsman.example.org.")
@click.option("--username", help="Asked for, unless given.")
@click.option("--api-key-stdin", is_flag=True, help="Keep the API key that comes on standard input instead.")
@pass_house
def login(house: House, url: str | None, username: str | None, api_key_stdin: bool) -> None:
    """Sign in, and stay so: tokens are kept in a file that only you can read, and renewed.

    The password and the code of the second factor are asked for and not shown. There is no option for either, since
    what is typed on a command line can be read by others.
    """
    kept = house.keeper.read()
    where = address(url or house.url or (kept.url if kept else "") or click.prompt("Address", err=True))
    if api_key_stdin:
        key = sys.stdin.readline().strip()
        if not key:
            raise click.UsageError("There is no key on standard input.")
        with Client(where, api_key=key, timeout_s=house.timeout_s) as client:
            _try_key(client)
        _keep(house, Kept(where, api_key=key))
        click.echo(f"The key is kept for {where}.", err=True)
        return
    username = username or click.prompt("Name", err=True)
    password = click.prompt("Password", hide_input=True, err=True)
    code = click.prompt("Code (empty: none)", default="", show_default=False, hide_input=True, err=True)
    with Client(where, timeout_s=house.timeout_s) as client:
        client.sign_in(username, password, code or None)
        tokens = client.tokens
    _keep(house, Kept(where, tokens=tokens))
    click.echo(f"You are signed in at {where} as {username}.", err=True)


@click.command()
@pass_house
def logout(house: House) -> None:
    """End the sign-in at the server, and forget it here. A kept key is forgotten; it stays good."""
    kept = house.keeper.read()
    try:
        if kept is not None and kept.tokens is not None:
            with Client(kept.url, store=KeptTokens(house.keeper, kept.url), timeout_s=house.timeout_s) as client:
                client.sign_out()
    finally:
        with house.keeper.lock():
            house.keeper.forget()
    click.echo("You are signed out." if kept else "You were not signed in.", err=True)


def _keep(house: House, kept: Kept) -> None:
    """Not in the midst of another command's renewal, which would write over it."""
    with house.keeper.lock():
        house.keeper.write(kept)


def _try_key(client: Client) -> None:
    """Whether the server takes it; 403 says that it does, and that the key does less."""
    try:
        next(client.runs(limit=1, fields=["id"]), None)
    except ApiError as error:
        if error.status != 403:
            raise
