// How much of a frame is searched while the board cannot keep up: tiles and close-ups are left out before frames are. A far face is
// then found later, and every face is still seen in each frame that shows it near. Pure.

/** Immutable; starts as `fullEffort`. */
export interface Effort {
  /** 0: everything that is configured, up to `efforts.length - 1`: the least. */
  readonly level: number;
  /** Analyses in a row that took too long, and those in a row that left room for more. */
  readonly late: number;
  readonly early: number;
  /** How many early ones a step up needs. Grows with each step up that did not last. */
  readonly patience: number;
  /** Analyses since the last step up. */
  readonly sinceRaise: number;
}

const leastPatience = 10;
const mostPatience = 160;
/** One late analysis may be a hiccup of the machine. */
const lateToShed = 2;
/** An analysis that takes this share of its budget leaves room for the next level, which takes at most one and a half times as long. */
const roomShare = 0.65;
/** From this many budgets on there is no use in small steps. */
const hopelessBudgets = 4;

export const fullEffort: Effort = {
  level: 0,
  late: 0,
  early: 0,
  patience: leastPatience,
  sinceRaise: Number.POSITIVE_INFINITY,
};

/** By level: which share of the configured tiles is searched, and how many close-ups at most. */
const efforts = [
  { tileShare: 1, closeUps: Number.POSITIVE_INFINITY },
  { tileShare: 1 / 2, closeUps: 4 },
  { tileShare: 1 / 4, closeUps: 2 },
  { tileShare: 1 / 8, closeUps: 1 },
] as const;

const least = efforts.length - 1;

/** The effort after an analysis that took `tookMs` and may take `budgetMs`. */
export function afterAnalysis(effort: Effort, tookMs: number, budgetMs: number): Effort {
  const { level, patience, sinceRaise: before } = effort;
  const sinceRaise = before + 1;
  if (tookMs > budgetMs) {
    const late = effort.late + 1;
    if (late < lateToShed || level === least) return { ...effort, late, early: 0, sinceRaise };
    const isRaiseLost = sinceRaise <= leastPatience;
    return {
      level: tookMs > hopelessBudgets * budgetMs ? least : level + 1,
      late: 0,
      early: 0,
      patience: isRaiseLost ? Math.min(mostPatience, 2 * patience) : patience,
      sinceRaise,
    };
  }
  if (tookMs > roomShare * budgetMs) return { ...effort, late: 0, early: Math.max(0, effort.early - 1), sinceRaise };
  const early = effort.early + 1;
  if (level === 0)
    return { ...effort, late: 0, early, patience: early > mostPatience ? leastPatience : patience, sinceRaise };
  if (early < patience) return { ...effort, late: 0, early, sinceRaise };
  return { level: level - 1, late: 0, early: 0, patience, sinceRaise: 0 };
}

export interface SearchLimits {
  /** Tiles of this frame. */
  readonly tiles: number;
  /** Close-ups of expected faces, and of candidates, in this frame. */
  readonly closeUps: number;
}

/** What to search in frame number `turn` with `tilesPerFrame` configured; null: everything. Each tile is searched in the end. */
export function limitsOf({ level }: Effort, tilesPerFrame: number, turn: number): SearchLimits | null {
  if (level === 0) return null;
  const { tileShare, closeUps } = efforts[level]!;
  const perFrame = tilesPerFrame * tileShare;
  return { tiles: Math.floor((turn + 1) * perFrame) - Math.floor(turn * perFrame), closeUps };
}
