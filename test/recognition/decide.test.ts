import t from 'tap';
import { assignNames, decideTrack, type TrackDecision, undecided } from '../../src/recognition/decide.js';
import { defaultOptions, type NamingOptions, type RecognitionOptions } from '../../src/recognition/options.js';
import { noTrackEmbedding, type TrackEmbedding } from '../../src/recognition/track-embedding.js';
import { household, person, vector } from '../helpers/people.js';

const naming: NamingOptions = {
  ...defaultOptions.naming,
  leastAgreeing: 3,
  windowMs: 3000,
  leastSpanMs: 180,
  strangerObservations: 6,
  strangerWindowMs: 1500,
  strangerAfterNameMs: 10_000,
};
const options: RecognitionOptions = { ...defaultOptions, naming };
const withNaming = (more: Partial<NamingOptions>): RecognitionOptions => ({
  ...options,
  naming: { ...naming, ...more },
});

const ada = vector(0.9, 0.1);
const ben = vector(0.1, 0.9);
const nobody = vector(-0.1, -0.1);
/** Near enough to Ada and to Ben for a name, but not nearer to one of the two. */
const either = vector(0.65, 0.64);
/** Neither near enough for a name nor far enough for a stranger. */
const weak = vector(0.5, 0.1);

/** The track embedding of three observations that agree on `direction`. */
function pooledOf(direction: Float32Array, more: Partial<TrackEmbedding> = {}): TrackEmbedding {
  const counts = { weight: 3, length: 3, observations: 3, goodObservations: 3 };
  return { direction, ...counts, firstMs: 5000, lastMs: 5000, ...more };
}

interface Decision {
  readonly pooled?: TrackEmbedding;
  /** The observation of this frame; undefined: the same as the track's. */
  readonly embedding?: Float32Array | null;
  readonly before?: Partial<TrackDecision>;
  readonly gallery?: typeof household;
  readonly options?: RecognitionOptions;
}

function decide(direction: Float32Array, lastMs: number, more: Decision = {}): TrackDecision {
  const track = { pooled: more.pooled ?? pooledOf(direction), lastMs };
  const embedding = more.embedding === undefined ? direction : more.embedding;
  const before = { ...undecided, ...more.before };
  return decideTrack(track, embedding, before, more.gallery ?? household, more.options ?? options);
}

const vote = (atMs: number, who: string | null = 'ada', sure = true) => ({ atMs, person: who, sure });

t.test('a name needs three agreeing observations that cover the least time', async (t) => {
  const first = decide(ada, 5000);
  t.match(first, { person: null, state: 'unclear', votes: [vote(5000)], namedMs: null, personChanged: false });
  t.strictSame(first.reason, { kind: 'few-agreeing', best: 'ada', agreeing: 1, needed: 3 });
  const second = decide(ada, 5100, { before: first });
  t.match(second.reason, { kind: 'few-agreeing', agreeing: 2 });
  t.strictSame(decide(ada, 5179, { before: second }).reason, {
    kind: 'short-span',
    best: 'ada',
    spanMs: 179,
    neededMs: 180,
  });
  const named = decide(ada, 5180, { before: second });
  t.match(named, { person: 'ada', state: 'known', confidence: 'high', namedMs: 5180, ambiguousBetween: null });
  t.match(decide(ada, 9000, { before: { ...named, votes: [] } }), { person: 'ada', namedMs: 9000 }, 'and keeps it');
  t.match(
    decide(ada, 9000, { before: { person: 'ben' } }).reason,
    { kind: 'few-agreeing' },
    'another name needs as many',
  );
});

t.test('one agreeing observation needs no time', async (t) => {
  t.equal(decide(ada, 5000, { options: withNaming({ leastAgreeing: 1 }) }).person, 'ada');
  const two = withNaming({ leastAgreeing: 2 });
  t.match(decide(ada, 5100, { before: { votes: [vote(5000)] }, options: two }).reason, { kind: 'short-span' });
});

t.test('votes within the window count, and at most a hundred are kept', async (t) => {
  const times = (votes: TrackDecision['votes']) => votes.map(({ atMs }) => atMs);
  t.strictSame(times(decide(ada, 8000, { before: { votes: [vote(4999), vote(5000)] } }).votes), [5000, 8000]);
  const many = Array.from({ length: 100 }, (_, n) => vote(5000 + n));
  const { votes } = decide(ada, 5200, { before: { votes: many } });
  t.strictSame([votes.length, votes[0]?.atMs, votes.at(-1)?.atMs], [100, 5001, 5200]);
  t.equal(decide(ada, 5200, { before: { votes: many }, embedding: null }).votes.length, 100, 'no observation, no vote');
  t.strictSame(decide(ada, 5000, { embedding: weak }).votes, [vote(5000, 'ada', false)]);
  t.strictSame(decide(ada, 5000, { embedding: ben }).votes, [vote(5000, 'ben')]);
});

t.test('a track without a usable observation is undecided', async (t) => {
  const before = { unknownPerson: 'stranger-1', namedMs: 4000 };
  const decision = decide(ada, 5000, { pooled: noTrackEmbedding, embedding: null, before });
  t.strictSame(decision, { ...undecided, ...before });
});

t.test('a name is high where the sequential test has accepted the person, else medium', async (t) => {
  const before = { votes: [vote(5000), vote(5100)] };
  t.equal(decide(vector(0.7), 5200, { before }).confidence, 'high');
  t.equal(decide(vector(0.64), 5200, { before }).confidence, 'medium');
});

t.test('a comparison that supports nobody else keeps the name, with its confidence and time', async (t) => {
  const before = { person: 'ada', confidence: 'high', namedMs: 4000 } as const;
  const kept = decide(weak, 5000, { before });
  t.match(kept, { person: 'ada', state: 'known', confidence: 'high', namedMs: 4000, ambiguousBetween: null });
  t.match(kept.reason, { kind: 'name-kept', person: 'ada', because: { kind: 'below-threshold', best: 'ada' } });
  t.match(decide(weak, 5000, { before: { ...before, person: 'zoe' } }), {
    person: null,
    reason: { kind: 'below-threshold' },
  });
});

t.test('three newest observations of another person take the name away', async (t) => {
  const changed = (votes: TrackDecision['votes']) =>
    decide(weak, 5300, { embedding: null, before: { person: 'ada', votes } });
  const lost = changed([vote(4900), vote(5000, 'ben'), vote(5100, 'ben'), vote(5200, 'ben')]);
  t.match(lost, { person: null, state: 'unclear', confidence: 'medium', personChanged: true });
  t.strictSame(lost.reason, { kind: 'person-changed', before: 'ada' });
  const kept = {
    'only two': [vote(5100, 'ben'), vote(5200, 'ben')],
    'not sure of one': [vote(5000, 'ben'), vote(5100, 'ben', false), vote(5200, 'ben')],
    'one of somebody else': [vote(5000, 'ben'), vote(5100, 'cleo'), vote(5200, 'ben')],
    'one of the person': [vote(5000, 'ben'), vote(5100, 'ben'), vote(5200)],
    'all of the person': [vote(5000), vote(5100), vote(5200)],
  };
  for (const [why, votes] of Object.entries(kept))
    t.match(changed(votes), { person: 'ada', personChanged: false }, why);
  const unnamed = decide(weak, 5300, {
    embedding: null,
    before: { votes: [5000, 5100, 5200].map((ms) => vote(ms, 'ben')) },
  });
  t.equal(unnamed.personChanged, false, 'there was no name');
});

t.test('a negative template takes the name of its person, and only that one', async (t) => {
  const negativeTemplates = [{ id: 9, vector: vector(0.8, 0.1, 0.58) }];
  const gallery = { ...household, people: [{ ...person('ada', 0), negativeTemplates }, person('ben', 1)] };
  const rejected = vector(0.75, 0.1, 0.6);
  const lost = decide(rejected, 5000, { gallery, before: { person: 'ada', namedMs: 4000 } });
  t.match(lost, { person: null, state: 'unclear', namedMs: null, reason: { kind: 'nearer-to-negative', best: 'ada' } });
  const ofBen = decide(rejected, 5000, { gallery, before: { person: 'ben', namedMs: 4000 } });
  t.match(ofBen, { person: 'ben', namedMs: 4000, reason: { kind: 'name-kept' } });
  t.match(decide(rejected, 5000, { gallery, before: { namedMs: 4000 } }), { person: null, namedMs: 4000 });
});

t.test('a stranger needs enough good observations over some time, and no recent name', async (t) => {
  const pooled = (goodObservations: number, lastMs: number) =>
    pooledOf(nobody, { goodObservations, firstMs: 5000, lastMs });
  const good = pooled(6, 6500);
  const decided = decide(nobody, 6500, { pooled: good, before: { unknownPerson: 'stranger-1' } });
  t.match(decided, { person: null, state: 'stranger', confidence: 'medium', unknownPerson: 'stranger-1' });
  t.match(decided.reason, { kind: 'unlike-everybody' });
  const because = (more: Decision) => {
    const { state, reason } = decide(nobody, 6500, { pooled: good, ...more });
    t.equal(state, 'unclear');
    return reason.kind === 'not-yet-stranger' ? reason.because : reason;
  };
  const fewGood = { kind: 'few-good', needed: 6, overMs: 1500 };
  t.match(because({ pooled: pooled(5, 6500) }), { ...fewGood, good: 5 });
  t.match(because({ pooled: pooled(6, 6499) }), { ...fewGood, good: 6 });
  const off = withNaming({ strangerObservations: Number.POSITIVE_INFINITY });
  t.strictSame(because({ options: off }), { kind: 'strangers-off' });
  const later = pooled(6, 20_000);
  t.strictSame(because({ pooled: later, before: { namedMs: 10_001 } }), { kind: 'just-named' });
  t.equal(decide(nobody, 20_000, { pooled: later, before: { namedMs: 10_000 } }).state, 'stranger');
  const kept = decide(nobody, 6500, { pooled: pooled(5, 6500), before: { person: 'ada' } });
  t.match(kept, { person: 'ada', reason: { kind: 'name-kept', because: { kind: 'not-yet-stranger' } } });
});

t.test('a track is ambiguous between two people after as many observations as a name needs', async (t) => {
  const votes = [vote(5000, 'ada'), vote(5100, 'ben')];
  const between = (
    direction: Float32Array,
    before: Partial<TrackDecision>,
    embedding: Float32Array | null = direction,
  ) => decide(direction, 5200, { before, embedding }).ambiguousBetween;
  t.strictSame(between(either, { votes }), ['ada', 'ben']);
  t.strictSame(between(vector(0.64, 0.65), { votes }), ['ada', 'ben'], 'in the order of their ids');
  t.equal(between(either, { votes: [vote(5000)] }), null, 'two observations');
  t.equal(between(either, { votes: [vote(5000, 'cleo'), vote(5100)] }), null, 'one of somebody else');
  t.equal(between(weak, { votes }), null, 'too far from both');
  t.strictSame(between(weak, { ambiguousBetween: ['ada', 'ben'] }, null), ['ada', 'ben'], 'the pair stays');
  t.equal(between(weak, { ambiguousBetween: ['ada', 'cleo'] }, null), null);
  t.equal(between(either, { votes, person: 'ada' }), null, 'the name stays instead');
  const alone = { ...household, people: [person('ada', 0)] };
  const weakAlone = decide(weak, 5200, { gallery: alone, before: { votes, ambiguousBetween: ['ada', 'ben'] } });
  t.equal(weakAlone.ambiguousBetween, null, 'nobody else is enrolled');
});

t.test('a name goes to the strongest face, and of equally strong ones to the first', async (t) => {
  const named = (strengths: readonly number[]) => {
    const faces = strengths.map(() => ({ ...undecided, person: 'ada', state: 'known' as const }));
    return assignNames(faces, (_, index) => strengths[index]!).map((face) => face.person);
  };
  t.strictSame(named([1, 3, 2]), [null, 'ada', null]);
  t.strictSame(named([2, 2, 1]), ['ada', null, null]);
  const unnamed = [undecided, undecided];
  t.strictSame(assignNames(unnamed), unnamed, 'a face without a name stays as it is');
});
