// The bound that ADR 14 promises, computed from its integral and not with the code under test.

/**
 * The longest time that somebody stays after their last face, milliseconds, if something moves all the time: the `t` at which
 * `t - h / ln 2 * (1 - 2 ** (-t / h))`, the integral of `1 - 2 ** (-t / h)`, reaches `limitMs`.
 */
export function longestStayMs(limitMs: number, halfLifeMs: number): number {
  const absence = (t: number) => t - (halfLifeMs / Math.LN2) * (1 - 0.5 ** (t / halfLifeMs));
  let [low, high] = [limitMs, limitMs + 2 * halfLifeMs];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (absence(middle) < limitMs) low = middle;
    else high = middle;
  }
  return high;
}
