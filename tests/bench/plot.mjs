/* plot.mjs - bars and lines as SVG, drawn by ourselves; pure
 *
 * Colours are readable on white and on black: GitHub shows pictures on either. */

const WIDTH = 760, LEFT = 230, RIGHT = 90, ROW = 20, TOP = 34, GAP = 14;
const INK = "#777", COLOURS = ["#1f77b4", "#d9730d", "#2a9d5c", "#b5509c", "#8c6bb1", "#998a00", "#777777"];

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const n = (x) => Number(x.toFixed(1));
const text = (x, y, said, { anchor = "start", size = 12 } = {}) => `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" font-size="${size}">${escape(said)}</text>`;

function picture(height, title, inner) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${n(height)}" font-family="sans-serif" fill="${INK}">
<title>${escape(title)}</title>
${inner.join("\n")}
</svg>
`;
}

/* panels: [{title, bars: [{label, median, min, max, said}]}].  Each panel has its own scale, from 0; a line
 * shows from min to max. */
export function bars(title, panels) {
  const inner = [];
  let y = 0;
  for (const panel of panels) {
    const most = Math.max(...panel.bars.map(({ max }) => max)) || 1;
    const at = (value) => LEFT + (value / most) * (WIDTH - LEFT - RIGHT);
    inner.push(text(0, y + 18, panel.title, { size: 13 }));
    y += TOP - 8;
    panel.bars.forEach(({ label, median, min, max, said }, i) => {
      inner.push(text(LEFT - 8, y + 14, label, { anchor: "end" }),
        `<rect x="${LEFT}" y="${y + 3}" width="${n(Math.max(at(median) - LEFT, 1))}" height="${ROW - 6}" fill="${COLOURS[i === 0 ? 0 : 6]}"/>`,
        `<path d="M${n(at(min))} ${y + ROW / 2}H${n(at(max))}" stroke="${COLOURS[1]}" stroke-width="2"/>`,
        text(at(max) + 6, y + 14, said));
      y += ROW;
    });
    y += GAP;
  }
  return picture(y, title, inner);
}

/* lines: [{label, points: [[x, y]]}], both axes logarithmic; ticks: {x: [], y: []}, names: {x, y}. */
export function lines(title, series, { ticks, names }) {
  const height = 380, top = 30, bottom = height - 44, left = 64, right = WIDTH - 150;
  const scale = (values, from, to) => {
    const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
    return (value) => from + ((Math.log(value) - low) / (high - low || 1)) * (to - from);
  };
  const all = series.flatMap(({ points }) => points);
  const x = scale([...ticks.x, ...all.map(([value]) => value)], left, right);
  const y = scale([...ticks.y, ...all.map(([, value]) => value)], bottom, top);
  const inner = [
    ...ticks.x.flatMap((value) => [`<path d="M${n(x(value))} ${top}V${bottom}" stroke="${INK}" stroke-opacity="0.25"/>`, text(x(value), bottom + 16, value.toLocaleString("en"), { anchor: "middle" })]),
    ...ticks.y.flatMap((value) => [`<path d="M${left} ${n(y(value))}H${right}" stroke="${INK}" stroke-opacity="0.25"/>`, text(left - 6, y(value) + 4, value.toLocaleString("en"), { anchor: "end" })]),
    text((left + right) / 2, height - 8, names.x, { anchor: "middle" }), text(4, 14, names.y),
    ...series.flatMap(({ label, points }, i) => [
      `<polyline points="${points.map(([a, b]) => `${n(x(a))},${n(y(b))}`).join(" ")}" fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="2"/>`,
      ...points.map(([a, b]) => `<circle cx="${n(x(a))}" cy="${n(y(b))}" r="3" fill="${COLOURS[i % COLOURS.length]}"/>`),
      `<text x="${right + 10}" y="${top + 14 + 18 * i}" font-size="12" fill="${COLOURS[i % COLOURS.length]}">${escape(label)}</text>`,
    ]),
  ];
  return picture(height, title, inner);
}
