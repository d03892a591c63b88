// The moved regions that the motion gate would report for a scene. People who walk move; people who sit move now and then,
// with or without a visible face; a curtain moves on its own; a switched light moves the whole picture. Rows of 32 px, as
// in src/vision/motion.ts.
import type { Random } from '../../src/commands/evaluate/random.js';
import type { Box } from '../../src/vision/face.js';
import type { Walk } from '../room/simulator.js';

export interface SceneMotion {
  /** Share of frames in which a sitting person moves. */
  readonly fidgets: number;
  /** A region that moves in most frames without a person; null: none. */
  readonly curtain: Box | null;
  /** Share of frames in which the whole picture changes. */
  readonly flashes: number;
}

const cellPx = 32;
const [width, height] = [1280, 960];

/** The regions that moved between `beforeMs` (null: the first frame) and `atMs`. */
export function movedIn(
  { fidgets, curtain, flashes }: SceneMotion,
  walks: readonly Walk[],
  beforeMs: number | null,
  atMs: number,
  random: Random,
): readonly Box[] {
  const isFlash = random() < flashes || beforeMs === null;
  const moved = walks.flatMap((walk) => {
    const isFidgeting = random() < fidgets;
    const times = [beforeMs ?? atMs, atMs].filter((at) => at >= walk.fromMs && at < walk.toMs);
    const isEnteringOrLeaving = times.length === 1;
    const isMoving = isEnteringOrLeaving || walk.x0 !== walk.x1 || isFidgeting;
    return times.length > 0 && isMoving ? times.map((at) => bodyAt(walk, at)) : [];
  });
  const withCurtain = curtain !== null && random() < 0.7 ? [...moved, curtain] : moved;
  return isFlash ? rows([0, 0, width, height]) : withCurtain.flatMap(rows);
}

/** The box of a body: two and a half faces wide and five high. */
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
