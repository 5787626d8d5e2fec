"""Tillpost: a self-hosted Conversions API, both ends of it.

The path of one order, which is also the layout:

    collect   the shop's webhook and the browser's beacon come in and become facts;
              identifiers are hashed in the request that received them, the facts
              are on disk before the answer is sent, and folding them gives one
              Purchase with the id that both sides share
    core      the rules all of this follows: pure functions over frozen values
    deliver   the Purchase waits in the outbox until the platform has taken it
    receive   a Conversions API of our own: validates, deduplicates, matches,
              attributes, as the platform does
    report    what it was worth: by ad as the platform claims, by channel in truth

`serve` puts the parts together, `store` keeps what must be kept.
"""
