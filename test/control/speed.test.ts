import t from 'tap';
import type { Part } from '../../src/base/problems.js';
import { createSpeedWatch, rateText, type SpeedFacts, slowSentence } from '../../src/control/speed.js';
import { createStatistics } from '../../src/control/statistics.js';
import type { EngineAnalysis } from '../../src/engine/engine.js';

const facts = {
  frameIntervalMs: 200,
  delegateReason: null,
  heat: { throttled: false, underVoltage: false },
  embedder: 'resnet50-w100',
} as const;

function watch() {
  const calls: string[] = [];
  const problems = {
    report: (part: Part, sentence: string) => void calls.push(`${part}: ${sentence}`),
    solve: (part: Part) => void calls.push(`solved ${part}`),
  };
  return { calls, speed: createSpeedWatch(problems) };
}

t.test('a board that analyses two frames a second has no problem', async (t) => {
  const { calls, speed } = watch();
  speed.analysed(100, { ...facts, intervalMs: null });
  for (const intervalMs of [200, 500, 900]) speed.analysed(100, { ...facts, intervalMs });
  t.strictSame(calls, []);
});

t.test('a slow board is reported once, again when it is much slower, and solved when it is fast enough', async (t) => {
  const { calls, speed } = watch();
  for (let i = 0; i < 100; i++) speed.analysed(3000 + 10 * i, { ...facts, intervalMs: 3000 + 10 * i });
  t.equal(calls.length, 1);
  t.match(
    calls[0],
    /^speed: only 0\.3 frames a second are analysed, .* an analysis takes 3\.0 s: lower \[camera\] width/,
  );
  speed.analysed(8000, { ...facts, intervalMs: 8000 });
  t.equal(calls.length, 2);
  speed.analysed(900, { ...facts, intervalMs: 900 });
  t.equal(calls.length, 3, 'not solved at the limit');
  speed.analysed(500, { ...facts, intervalMs: 500 });
  t.equal(calls.at(-1), 'solved speed');
});

t.test('the sentence names the setting that helps', async (t) => {
  const sentence = (more: Partial<SpeedFacts>) =>
    slowSentence({ ...facts, analysisMs: 2900, ...more, intervalMs: more.intervalMs ?? 3000 });
  t.match(sentence({ frameIntervalMs: 2500 }), /raise \[camera\] framerate/);
  t.match(sentence({ analysisMs: 200 }), /the camera gives no more/);
  t.match(sentence({ delegateReason: 'the plug-in is not built' }), /without XNNPACK \(the plug-in is not built\)/);
  t.match(sentence({ heat: { throttled: true, underVoltage: true } }), /power supply/);
  t.match(sentence({ heat: { throttled: true, underVoltage: false } }), /heat sink/);
  t.match(sentence({}), /\[embedder\] id = "mobilefacenet", or free the processor/);
  t.notMatch(sentence({ embedder: 'mobilefacenet' }), /embedder/);
  t.ok(sentence({ intervalMs: 60_000, analysisMs: 59_000 }).length <= 400, 'it is shown as a whole');
});

t.test('a rate has the digits that matter', async (t) => {
  t.strictSame([0.0625, 0.31, 0.96, 1.04, 4.97, 24.9].map(rateText), ['0.06', '0.3', '1', '1', '5', '25']);
});

t.test('a rate far below one frame a second is measured over several frames', async (t) => {
  let nowMs = 0;
  const statistics = createStatistics({ monotonicMs: () => nowMs, wallMs: () => 0 });
  t.equal(statistics.fps(), null);
  for (let i = 0; i < 10; i++) {
    nowMs += 10_000;
    statistics.analysed({ faces: [] } as unknown as EngineAnalysis, 1, true);
  }
  t.equal(statistics.fps(), 0.1);
  t.equal(statistics.analysedFps(), 0.1);
  t.ok(statistics.isReduced);
  nowMs += 90_000;
  t.ok(statistics.fps()! < 0.03, 'and sinks when no more frames come');
  for (let i = 0; i < 100; i++) {
    nowMs += 200;
    if (i % 5 === 0) statistics.analysed({ faces: [] } as unknown as EngineAnalysis, 1);
    else statistics.skipped();
  }
  t.equal(statistics.fps(), 5);
  t.equal(statistics.analysedFps(), 1);
  t.notOk(statistics.isReduced);
});
