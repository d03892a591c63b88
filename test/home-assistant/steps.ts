// Steps that depend on each other in one running Home Assistant. After the first failure the other steps are skipped.
import t from 'tap';
import { withoutHomeAssistant } from './harness.js';

export type Step = readonly [name: string, run: () => Promise<void>];

/** Ends this program if the tools for Home Assistant are missing, with the reason as tap's skip. */
export function skipWithoutHomeAssistant(): void {
  if (!withoutHomeAssistant) return;
  t.plan(0, withoutHomeAssistant);
  process.exit(0);
}

/** Runs `steps` in order. Each is a test that reports its duration. */
export async function runSteps(steps: readonly Step[]): Promise<void> {
  let broken = false;
  for (const [name, run] of steps) {
    await t.test(name, { skip: broken && 'an earlier step failed' }, async (t) => {
      const began = performance.now();
      try {
        await run();
        t.pass(`${Math.round(performance.now() - began)} ms`);
      } catch (error) {
        broken = true;
        t.fail((error as Error).message);
      }
    });
  }
}
