// Draws DET curves as SVG: one panel for each kind of probe, one line for each model. It has a title and a description with the figures for
// those who do not see it, its own background in light and dark, dashes besides colours, and no script.
import { printable } from '../../base/printable.js';
import { type DetCurve, type DetResult, fnirAt, type Protocol } from './det.js';

export interface DrawnResult {
  /** Shown in the legend: the embedder and what it is. */
  readonly label: string;
  readonly result: DetResult;
}

const axisTexts: Readonly<Record<Protocol, { readonly x: string; readonly y: string; readonly title: string }>> = {
  household: {
    title: 'DET curve: FNIR over FPIR',
    x: 'FPIR: share of unknown people who get a name',
    y: 'FNIR: share of members without their name',
  },
  pairs: {
    title: 'DET curve: false rejections over false acceptances',
    x: 'share of different pairs that are accepted',
    y: 'share of same pairs that are rejected',
  },
};

const edge = 'A line on the lower edge stands for no error at all.';

/** `value` and `rate` are percentages in words. */
const figureTexts: Readonly<Record<Protocol, (value: string, rate: string) => string>> = {
  household: (value, rate) => `FNIR ${value} at FPIR ${rate}`,
  pairs: (value, rate) => `${value} rejected where ${rate} are accepted`,
};

// In user units, which are pixels at the drawn size.
const panel = { width: 400, height: 300, left: 76, right: 24, top: 76, bottom: 60 };
const legendLine = 22;
/** For the legend below a single panel. */
const leastWidth = 800;

/** Text and lines have a contrast of 4.5 to 1 or more with the background in both; dashes tell the lines apart as well. */
const colours = {
  light: {
    back: '#ffffff',
    text: '#1f2328',
    line: '#d0d7de',
    faint: '#eaeef2',
    a: '#0550ae',
    b: '#a04100',
    c: '#116329',
  },
  dark: {
    back: '#0d1117',
    text: '#e6edf3',
    line: '#484f58',
    faint: '#21262d',
    a: '#79c0ff',
    b: '#ffa657',
    c: '#7ee787',
  },
} as const;
type Colour = keyof typeof colours.light;

function variables(of: Readonly<Record<Colour, string>>): string {
  return Object.entries(of)
    .map(([name, value]) => `--${name}: ${value}`)
    .join('; ');
}
const style = `svg { ${variables(colours.light)} } @media (prefers-color-scheme: dark) { svg { ${variables(colours.dark)} } }`;

const series = [
  { colour: 'a', dashes: '' },
  { colour: 'b', dashes: '8 4' },
  { colour: 'c', dashes: '2 4' },
] as const;

/** The picture of `results` (1 to 3) as SVG. Panels are those of the first; a result without such a curve has no line there. */
export function detPlot(results: readonly DrawnResult[], protocol: Protocol): string {
  const panels = results[0]!.result.curves.map(({ title }) => title);
  const panelColumns = panel.left + panel.width + panel.right;
  const width = Math.max(leastWidth, panels.length * panelColumns);
  const legendTop = panel.top + panel.height + panel.bottom;
  const legend = results.map(({ label, result }) => `${label}: ${figures(result, protocol)}`);
  const height = legendTop + (legend.length + 1) * legendLine + 16;
  const { title } = axisTexts[protocol];
  const description = `Both axes are logarithmic; a lower curve is better. ${edge} ${legend.join('. ')}.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="13">
  <title id="title">${escaped(title)}</title>
  <desc id="description">${escaped(description)}</desc>
  <style>${style}</style>
  <rect width="100%" height="100%" ${paint('fill', 'back')}/>
  ${textAt(panel.left, 30, title, 'font-size="17" font-weight="600"')}
${panels.map((name, index) => panelOf(name, index * panelColumns, results, protocol)).join('\n')}
${legend.map((text, index) => legendOf(text, index, legendTop + index * legendLine)).join('\n')}
  ${textAt(panel.left, legendTop + legend.length * legendLine + 4, edge, '')}
</svg>
`;
}

function legendOf(text: string, index: number, y: number): string {
  return `  <path d="M${panel.left} ${y}h40" ${strokeOf(index)}/>\n  ${textAt(panel.left + 50, y + 4, text, '')}`;
}

/** `single pictures FNIR 1.2 % at FPIR 1 %`, for each curve. */
function figures({ curves }: DetResult, protocol: Protocol): string {
  const texts = curves.map(({ title, curve }) => {
    const value = fnirAt(curve, 0.01);
    const text = value === null ? 'too few probes for 1 %' : figureTexts[protocol](percent(value), '1 %');
    return `${title.toLowerCase()} ${text}`;
  });
  return texts.length === 0 ? 'no curve' : texts.join(', ');
}

function panelOf(title: string, left: number, results: readonly DrawnResult[], protocol: Protocol): string {
  const curves = results.map(({ result }) => result.curves.find((other) => other.title === title)?.curve ?? []);
  const points = curves.flat();
  const decades = {
    x: lowestDecade(points.map(({ fpir }) => fpir)),
    y: lowestDecade(points.map(({ fnir }) => fnir)),
  };
  const x0 = left + panel.left;
  const yEnd = panel.top + panel.height;
  const x = (share: number): number => x0 + panel.width * position(share, decades.x);
  const y = (share: number): number => yEnd - panel.height * position(share, decades.y);
  const vertical = ticks(decades.x).map(({ share, isDecade }) => {
    const line = `  <path d="M${fixed(x(share))} ${panel.top}v${panel.height}" ${paint('stroke', isDecade ? 'line' : 'faint')}/>`;
    return isDecade ? `${line}\n  ${textAt(x(share), yEnd + 18, percent(share), 'text-anchor="middle"')}` : line;
  });
  const horizontal = ticks(decades.y).map(({ share, isDecade }) => {
    const line = `  <path d="M${x0} ${fixed(y(share))}h${panel.width}" ${paint('stroke', isDecade ? 'line' : 'faint')}/>`;
    return isDecade ? `${line}\n  ${textAt(x0 - 8, y(share) + 4, percent(share), 'text-anchor="end"')}` : line;
  });
  const lines = curves.map((curve, index) => lineOf(curve, index, x, y));
  const { x: xText, y: yText } = axisTexts[protocol];
  const middle = panel.top + panel.height / 2;
  return [
    `  <g>`,
    `  ${textAt(x0, panel.top - 14, title, 'font-weight="600"')}`,
    ...vertical,
    ...horizontal,
    `  ${textAt(x0 + panel.width / 2, yEnd + 40, xText, 'text-anchor="middle"')}`,
    `  ${textAt(0, 0, yText, `text-anchor="middle" transform="translate(${left + 18} ${middle}) rotate(-90)"`)}`,
    ...lines,
    `  </g>`,
  ].join('\n');
}

/** The line, with a dot where it begins: a curve may have a single point. */
function lineOf(curve: DetCurve, index: number, x: (share: number) => number, y: (share: number) => number): string {
  const [first] = curve;
  if (first === undefined) return '';
  const path = curve.map(({ fpir, fnir }) => `${fixed(x(fpir))},${fixed(y(fnir))}`).join(' ');
  const dot = `  <circle cx="${fixed(x(first.fpir))}" cy="${fixed(y(first.fnir))}" r="3.5" ${paint('fill', series[index]!.colour)}/>`;
  return `  <polyline points="${path}" ${strokeOf(index)}/>\n${dot}`;
}

function strokeOf(index: number): string {
  const { colour, dashes } = series[index]!;
  const dashed = dashes === '' ? '' : ` stroke-dasharray="${dashes}"`;
  return `fill="none" ${paint('stroke', colour)} stroke-width="2.5" stroke-linejoin="round"${dashed}`;
}

/** The attribute is for programs that know no variables; the style is for those that know them. */
function paint(property: 'fill' | 'stroke', colour: Colour): string {
  return `${property}="${colours.light[colour]}" style="${property}: var(--${colour})"`;
}

function textAt(x: number, y: number, text: string, attributes: string): string {
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${paint('fill', 'text')} ${attributes}>${escaped(text)}</text>`;
}

/** The power of ten at which an axis begins: at or below all values above 0, and at most -1. A share of 0 lies on its edge. */
function lowestDecade(shares: readonly number[]): number {
  const least = Math.min(1, ...shares.filter((share) => share > 0));
  return Math.min(-1, Math.floor(Math.log10(least) + 1e-9));
}

function position(share: number, decade: number): number {
  return share <= 0 ? 0 : Math.max(0, 1 - Math.log10(share) / decade);
}

function ticks(decade: number): { share: number; isDecade: boolean }[] {
  const all = Array.from({ length: -decade }, (_, i) => [1, 2, 5].map((n) => n * 10 ** (decade + i))).flat();
  return [...all, 1].map((share) => ({ share, isDecade: Number.isInteger(Math.round(1e6 * Math.log10(share)) / 1e6) }));
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function fixed(value: number): string {
  return String(Math.round(10 * value) / 10);
}

/** Text of files and people: without control characters, which XML does not allow. */
function escaped(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
