"""Fulfilment lanes as arrays, and the order in which a fulfilment rule serves claims: lane, SKU and due slot.

A rule is a sort key. Claims with equal keys at one site form a group and share what is scarce in proportion. A channel's open
orders lie in slots by their due period: slot 0 holds the orders of this period, due in `due_in` periods, and each period they
move one slot on; the last slot is open-ended where they may wait for ever.
"""

from __future__ import annotations

import numpy as np

from allotment.scenario.errors import ScenarioError
from allotment.scenario.lanes import freight, sku_calendar
from allotment.scenario.patterns import matching
from allotment.scenario.problem import Channels, Claims, Flags, Floats, Fulfilment, Integers, Keys
from allotment.scenario.schema import PartialBackorder, Scenario
from allotment.scenario.sizes import check_entries, check_numbers
from allotment.scenario.spreading import aligned, by_period, calendar, spread
from allotment.scenario.streams import stream_key
from allotment.scenario.worth import worth_of_serving


class FulfilmentReader:
    """Reads the fulfilment lanes and the channels of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.skus = [sku.name for sku in scenario.skus]
        self.sites = [site.name for site in scenario.sites]
        self.channels = [channel.name for channel in scenario.channels]
        self.ends, self.wheres = self._expanded()
        self.declared = [scenario.fulfilment_lanes[where] for where in self.wheres]
        sites, self.place = ({name: place for place, name in enumerate(names)} for names in (self.sites, self.channels))
        self.site = np.array([sites[source] for source, _ in self.ends])
        self.channel = np.array([self.place[to] for _, to in self.ends])
        slots = 2 + max(channel.due_in + (channel.max_lateness or 0) for channel in scenario.channels)
        check_numbers("fulfilment_lanes", {"lanes": len(self.ends), "SKUs": len(self.skus), "periods": slots})

    @property
    def names(self) -> list[str]:
        """Return the lanes' names, `from → to`."""
        return [f"{source} → {to}" for source, to in self.ends]

    def freight(self) -> Floats:
        """Return the lanes' freight by period of the calendar, (periods, lanes, skus) money/unit."""
        each = zip(self.declared, self.ends, self.wheres, strict=True)
        return aligned(
            [
                freight(lane.freight, self.scenario, source, self._region(to), f"fulfilment_lanes[{where}].freight")
                for lane, (source, to), where in each
            ]
        )

    def prices(self) -> Floats:
        """Return what a channel pays for a SKU by period, (periods, channels, skus) money/unit."""
        own, seed = sku_calendar(self.scenario, "price"), str(self.scenario.seed)
        parts = [
            own
            if channel.price is None
            else calendar(channel.price, self.skus, f"channels[{position}].price", seed=(seed, channel.name, "price"))
            for position, channel in enumerate(self.scenario.channels)
        ]
        return aligned(parts)

    def compiled(self) -> tuple[Fulfilment, Claims, Channels]:
        """Return the lanes, the claims in the order of the rule, and the channels as arrays."""
        outbound = self.freight().mean(axis=0)
        due, last, open_ended = self._slots()
        latest, on_time = self._reach(due, last, open_ended)
        lanes = Fulfilment(
            site=self.site,
            channel=self.channel,
            capacity=by_period([lane.capacity for lane in self.declared], np.inf),
            latest=latest,
            on_time=on_time,
            accept=np.array([lane.accept_probability for lane in self.declared]),
            accept_stream=self._keys("accept", [f"{source}\x1f{to}" for source, to in self.ends]),
        )
        channels = Channels(
            due=due,
            last=last,
            open_ended=open_ended,
            stays=self._chance_to_stay(),
            stays_stream=self._keys("stays", self.channels),
            initial_open=self._amounts("initial_open"),
            commitment=self._amounts("commitment"),
            nearest_site=self._nearest_sites(outbound),
            rank=np.unique([part.priority for part in self.scenario.channels], return_inverse=True)[1].astype(np.int64),
        )
        return lanes, Claims(*self._claims(outbound, due, last, latest), *self._promised(outbound)), channels

    def _expanded(self) -> tuple[list[tuple[str, str]], list[int]]:
        """Return every lane the wildcards stand for and its place in the file."""
        found: dict[tuple[str, str], int] = {}
        for position, declared in enumerate(self.scenario.fulfilment_lanes):
            where = f"fulfilment_lanes[{position}]"
            sources = matching(declared.source, self.sites, f"{where}.from")
            channels = matching(declared.to, self.channels, f"{where}.to")
            check_entries(where, len(found) + len(sources) * len(channels))
            for source in sources:
                for to in channels:
                    pair = self.sites[source], self.channels[to]
                    if pair in found:
                        earlier = f"fulfilment_lanes[{found[pair]}]"
                        raise ScenarioError(f"{where}: {earlier} declares {pair[0]!r} → {pair[1]!r} already")
                    found[pair] = position
        served = {to for _, to in found}
        for position, name in enumerate(self.channels):
            if name not in served:
                raise ScenarioError(f"channels[{position}]: nobody serves {name!r}; a fulfilment lane must lead to it")
        return list(found), list(found.values())

    def _region(self, channel: str) -> str:
        """Return where a channel's customers are: its region, else the channel itself."""
        region = self.scenario.channels[self.place[channel]].region
        return channel if region is None else region

    def _slots(self) -> tuple[Integers, Integers, Flags]:
        """Return of each channel the slot of what is due now, the last slot, and whether that one waits on for ever.

        Lost demand has no slot behind its due one. Orders that wait for ever are either on time or late: one slot behind.
        """
        due, last, open_ended = [], [], []
        for channel in self.scenario.channels:
            lateness = 0 if channel.unmet == "lost" else channel.max_lateness
            due.append(channel.due_in)
            last.append(channel.due_in + (1 if lateness is None else lateness))
            open_ended.append(lateness is None)
        return np.array(due), np.array(last), np.array(open_ended)

    def _reach(self, due: Integers, last: Integers, open_ended: Flags) -> tuple[Integers, Integers]:
        """Return the last slot that each lane, whose goods travel, can still serve at all, and the last by the due period."""
        transit = np.array([lane.transit_time for lane in self.declared])
        latest = np.where(open_ended[self.channel], last[self.channel], last[self.channel] - transit)
        for lane in np.flatnonzero(latest < 0):
            where, to = f"fulfilment_lanes[{self.wheres[lane]}].transit_time", self.ends[lane][1]
            allowed = last[self.channel[lane]]
            raise ScenarioError(
                f"{where} {transit[lane]}: {to!r} waits at most {allowed} periods, so that nothing could arrive"
            )
        return latest, due[self.channel] - transit

    def _claims(
        self, outbound: Floats, due: Integers, last: Integers, latest: Integers
    ) -> tuple[Integers, Integers, Integers, Integers]:
        """Return lane, SKU and slot of every claim in the order of the rule, and where each group starts.

        Without shared capacities claims are sorted SKU by SKU, which comes to the same and keeps groups small.
        """
        lanes, skus = outbound.shape
        slots = int(last.max()) + 1
        lane, sku, slot = (axis.ravel() for axis in np.indices((lanes, skus, slots)))
        possible = slot <= latest[lane]
        lane, sku, slot = lane[possible], sku[possible], slot[possible]
        columns = [key.astype(float) for key in self._keys_of_rule(outbound, due, lane, sku, slot)]
        columns = [*columns, self.site[lane].astype(float)]
        columns = columns if self._coupled() else [sku.astype(float), *columns]
        order = np.lexsort([-slot, lane, sku, *reversed(columns)])
        ordered = np.stack(columns)[:, order]
        begins = np.append(True, (np.diff(ordered, axis=1) != 0).any(axis=0))
        return lane[order], sku[order], slot[order], np.append(np.flatnonzero(begins), len(order))

    def _keys_of_rule(self, outbound: Floats, due: Integers, lane: Integers, sku: Integers, slot: Integers) -> list[np.ndarray]:
        """Return the rule's sort keys of the claims, the first the most important, smaller first."""
        channel = self.channel[lane]
        match self.scenario.fulfilment:
            case "nearest":
                return [outbound[lane, sku], -slot]
            case "fair_share":
                return []
            case "first_come":
                return [-slot, outbound[lane, sku]]
            case "worth":
                return [-self._worth(outbound)[lane, sku], -slot]
        priority = np.array([part.priority for part in self.scenario.channels])
        return [priority[channel], due[channel] - slot, -self._unit_values(outbound)[lane, sku]]

    def _unit_values(self, outbound: Floats) -> Floats:
        """Return margin × past on-time-in-full rate − freight of each lane and SKU, (lanes, skus) money/unit."""
        margin = self.prices().mean(axis=0) - sku_calendar(self.scenario, "unit_cost").mean(axis=0)
        history = np.array([part.fulfilment_history for part in self.scenario.channels])
        return margin[self.channel] * history[self.channel, None] - outbound

    def _worth(self, outbound: Floats) -> Floats:
        """Return what an unmet unit of each lane and SKU costs less freight, (lanes, skus) money/unit."""
        prices, costs = self.prices(), sku_calendar(self.scenario, "unit_cost")
        margin = np.maximum(prices.mean(axis=0) - costs.mean(axis=0), 0.0) * (self.scenario.objective == "profit")
        shortage, backorder = (self._stated(attribute) for attribute in ("shortage_cost", "backorder_cost"))
        return worth_of_serving(self._chance_to_stay(), margin, shortage, backorder, self.channel, outbound)

    def _stated(self, attribute: str) -> Floats:
        """Return the mean of what channels state of money over the calendar, (channels, skus) money/unit."""
        seed = str(self.scenario.seed), "channels"
        parts = [
            calendar(getattr(part, attribute), self.skus, f"channels[{place}].{attribute}", seed=(*seed, part.name, attribute))
            for place, part in enumerate(self.scenario.channels)
        ]
        return np.stack([part.mean(axis=0) for part in parts])

    def _coupled(self) -> bool:
        """Tell whether SKUs share the capacity of a lane or a site."""
        of_lanes = any(lane.capacity is not None for lane in self.declared)
        return of_lanes or any(site.handling is not None for site in self.scenario.sites)

    def _promised(self, outbound: Floats) -> tuple[Integers, Integers]:
        """Return lanes and SKUs in the order in which commitments are served: by the channel's worth, its best lane first."""
        committed = self._amounts("commitment") > 0.0
        if not committed.any() or self.scenario.fulfilment not in ("priority", "worth"):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        values = self._worth(outbound) if self.scenario.fulfilment == "worth" else self._unit_values(outbound)
        best = np.full(committed.shape, -np.inf)
        np.maximum.at(best, self.channel, values)
        lane, sku = np.nonzero(committed[self.channel])
        order = np.lexsort([lane, sku, -values[lane, sku], self.channel[lane], -best[self.channel[lane], sku]])
        return lane[order], sku[order]

    def _amounts(self, attribute: str) -> Floats:
        """Return an amount of each channel by SKU, (channels, skus)."""
        parts = [
            spread(getattr(channel, attribute), self.skus, f"channels[{position}].{attribute}", seed=(channel.name, attribute))
            for position, channel in enumerate(self.scenario.channels)
        ]
        return np.stack(parts)

    def _chance_to_stay(self) -> Floats:
        """Return the chance of a unit that is not served when due to wait."""
        chances = {"lost": 0.0, "backorder": 1.0}
        return np.array(
            [
                part.unmet.backorder_probability if isinstance(part.unmet, PartialBackorder) else chances[part.unmet]
                for part in self.scenario.channels
            ]
        )

    def _keys(self, what: str, names: list[str]) -> Keys:
        return np.array([[stream_key(what, name, sku) for sku in self.skus] for name in names], dtype=np.uint64)

    def _nearest_sites(self, outbound: Floats) -> Integers:
        mean = outbound.mean(axis=1)
        by_cost = np.lexsort([mean, self.channel])
        return self.site[by_cost[np.searchsorted(self.channel[by_cost], np.arange(len(self.channels)))]]
