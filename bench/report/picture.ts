/** What the pictures of the benchmark have in common: plain SVG, readable on a light and on a dark background. */

export const WIDTH = 880;
export const MARGIN = 24;

/** A whole SVG of the usual width. */
export function picture(
  title: string,
  style: string,
  height: number,
  parts: readonly string[],
): string {
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<title>${title}</title>
<style>${style}</style>
<rect class="ground" width="${WIDTH}" height="${height}" rx="8"/>
${parts.join('\n')}
</svg>
`;
}

export const PLOT_STYLE = `
  text {
    font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
    fill: #1f2328;
  }
  .title { font-size: 20px; font-weight: 600; }
  .panel { font-size: 14px; font-weight: 600; }
  .name, .value { font-size: 13px; }
  .note { font-size: 12px; fill: #59636e; }
  .ratio { font-size: 13px; fill: #59636e; }
  .ours { font-weight: 600; }
  .ground { fill: #ffffff; }
  .bar { fill: #9aa4af; }
  .bar.ours { fill: #1a7f37; }
  .axis, .tick { stroke: #d0d7de; stroke-width: 1; }
  .curve { fill: none; stroke: #9aa4af; stroke-width: 2; }
  .curve.ours { stroke: #1a7f37; stroke-width: 3; }
  .reference { stroke: #9aa4af; stroke-width: 1.5; stroke-dasharray: 5 4; }
  .dot { fill: #9aa4af; }
  .dot.ours { fill: #1a7f37; }
  .scale { font-size: 11px; fill: #59636e; }
  .label { font-size: 11px; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .note, .ratio, .scale { fill: #9198a1; }
    .axis, .tick { stroke: #3d444d; }
    .curve, .reference { stroke: #656c76; }
    .curve.ours { stroke: #3fb950; }
    .dot { fill: #656c76; }
    .dot.ours { fill: #3fb950; }
    .ground { fill: #0d1117; }
    .bar { fill: #656c76; }
    .bar.ours { fill: #3fb950; }
  }
`;

export function plotText(
  kind: string,
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'end' = 'start',
): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const side = anchor === 'end' ? ' text-anchor="end"' : '';
  return `<text class="${kind}" x="${x.toFixed(1)}" y="${y.toFixed(1)}"${side}>${escaped}</text>`;
}
