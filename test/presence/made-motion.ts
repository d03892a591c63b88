// What the motion gate would say about a scene: who walks moves, who sits moves now and then, face or no face; a curtain moves
// for nobody, and when the light is switched everything does. Rows of 32 px, as src/vision/motion.ts gives them.
import type { Random } from '../../src/commands/evaluate/random.js';
import type { Box } from '../../src/vision/face.js';
import type { Walk } from '../room/simulator.js';

export interface SceneMotion {
  /** Share of frames in which somebody who sits moves. */
  readonly fidgets: number;
  /** Moves in most frames, and is nobody; null: there is none. */
  readonly curtain: Box | null;
  /** Share of frames in which the whole picture changes. */
  readonly flashes: number;
}

const cellPx = 32;
const [width, height] = [1280, 960];

/** What moved between `beforeMs` (null: the first frame) and `atMs`. */
export function movedIn(
  { fidgets, curtain, flashes }: SceneMotion,
  walks: readonly Walk[],
  beforeMs: number | null,
  atMs: number,
  random: Random,
): readonly Box[] {
  const flash = random() < flashes || beforeMs === null;
  const moved = walks.flatMap((walk) => {
    const fidget = random() < fidgets;
    const places = [beforeMs ?? atMs, atMs].filter((at) => at >= walk.fromMs && at < walk.toMs);
    const came = places.length === 1;
    return places.length > 0 && (came || walk.x0 !== walk.x1 || fidget) ? places.map((at) => bodyAt(walk, at)) : [];
  });
  const blown = curtain !== null && random() < 0.7 ? [...moved, curtain] : moved;
  return flash ? rows([0, 0, width, height]) : blown.flatMap(rows);
}

/** Who is there, two and a half faces wide and five high. */
function bodyAt({ fromMs, toMs, x0, x1, y }: Walk, atMs: number): Box {
  const x = x0 + ((x1 - x0) * (atMs - fromMs)) / (toMs - fromMs);
  return [x - 112, y - 45, 225, 450];
}

function rows([x, y, w, h]: Box): Box[] {
  const left = Math.max(0, Math.floor(x / cellPx) * cellPx);
  const right = Math.min(width, Math.ceil((x + w) / cellPx) * cellPx);
  const top = Math.max(0, Math.floor(y / cellPx) * cellPx);
  const count = Math.ceil((Math.min(height, y + h) - top) / cellPx);
  if (right <= left || count <= 0) return [];
  return Array.from({ length: count }, (_, row): Box => [left, top + row * cellPx, right - left, cellPx]);
}
