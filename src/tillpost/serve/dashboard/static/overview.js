// Draws the revenue of each day from the table beside it, and again when that table changes.
"use strict";
(() => {
  let chart = null;
  let drawn = "";

  const read = () => {
    const rows = [...document.querySelectorAll("#trend-table tbody tr")].reverse();
    const days = rows.map((row) => Date.parse(row.querySelector("time").dateTime) / 1000);
    const cells = rows.map((row) => row.querySelector("[data-value]"));
    return { days, values: cells.map((c) => Number(c.dataset.value)), said: cells.map((c) => c.textContent) };
  };

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const day = (seconds) =>
    new Date(seconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

  const options = (box, found) => ({
    width: box.clientWidth,
    height: 220,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    cursor: { y: false, points: { size: 7 } },
    legend: { live: true },
    scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(high * 1.08, 1)] } },
    axes: [
      {
        stroke: colour("--soft"),
        grid: { show: false },
        ticks: { show: false },
        values: (_, splits) => splits.map(day),
        space: 70,
        font: "12px " + colour("--sans"),
      },
      {
        stroke: colour("--soft"),
        grid: { stroke: colour("--rule"), width: 1 },
        ticks: { show: false },
        size: 58,
        values: (_, splits) => splits.map((v) => v.toLocaleString("en", { notation: "compact" })),
        font: "12px " + colour("--sans"),
      },
    ],
    series: [
      { label: "Day", value: (_, v) => (v == null ? "" : day(v)) },
      {
        label: "Revenue",
        stroke: colour("--green"),
        fill: colour("--green-wash"),
        width: 2,
        paths: found.days.length > 1 ? uPlot.paths.spline() : undefined,
        points: { show: found.days.length < 45, size: 5, fill: colour("--paper") },
        value: (_, v, __, i) => (i == null ? "" : found.said[i]),
      },
    ],
  });

  const draw = (again) => {
    const box = document.getElementById("chart");
    if (!box || !window.uPlot) return;
    const found = read();
    const now = JSON.stringify(found);
    if (!again && now === drawn && box.firstChild) return;
    drawn = now;
    if (chart) chart.destroy();
    box.replaceChildren();
    chart = found.days.length ? new uPlot(options(box, found), [found.days, found.values], box) : null;
  };

  document.addEventListener("htmx:after:swap", () => draw(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(true));
  let width = 0;
  addEventListener("resize", () => {
    if (innerWidth !== width) draw(true);
    width = innerWidth;
  });
  draw(true);
})();
