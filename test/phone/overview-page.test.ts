// The overview page without a browser: how somebody is named, in a small and in a large household.
import t from 'tap';
import { type Overview, overviewSectionsOf } from '../../src/phone/overview-page.js';
import { madeUpEntry } from '../journal/made-up-observations.js';

const { quality } = madeUpEntry();

function overview(people: readonly string[], changes: Partial<Overview> = {}): Overview {
  return {
    here: { people: [], strangers: 1 },
    unknown: 'noPicture',
    hasPictures: false,
    people: people.map((name) => ({
      person: name.toLowerCase(),
      name,
      missed: 0,
      closest: null,
      corrections: name === 'Ada' ? [{ id: 4, said: 'not' as const, since: new Date().toISOString() }] : [],
      photos: [],
    })),
    faces: [
      {
        id: 12,
        track: 3,
        at: new Date().toISOString(),
        box: [1, 2, 30, 30],
        quality,
        state: 'stranger',
        name: null,
        reason: { kind: 'nobody-enrolled' },
      },
    ],
    plan: { width: 640, height: 480, positions: [], staticFaces: [] },
    ...changes,
  };
}

t.test('a button for each person of a small household, a list for a large one', async (t) => {
  const small = overviewSectionsOf(overview(['Ada', '<Ben>']), null, 'en').faces.text;
  t.match(small, 'Who is this?');
  t.match(small, /data-name="Ada">This is Ada \(face 12\)</);
  t.match(small, /data-name="&lt;Ben&gt;">This is &lt;Ben&gt; \(face 12\)</);
  t.notMatch(small, '<select');
  const names = ['Ada', 'Ben', 'Cleo', 'Dan', 'Eve', 'Finn', 'Gus'];
  const large = overviewSectionsOf(overview(names), null, 'de').faces.text;
  t.match(large, 'Wer ist das?');
  t.equal(large.match(/<option>/g)?.length, 7);
});

t.test('a correction can be undone where it is told, and later', async (t) => {
  const outcome = { text: 'stored', isProblem: false, corrections: [4] };
  const sections = overviewSectionsOf(overview(['Ada', 'Ben']), outcome, 'en');
  t.match(sections.outcome.text, /data-action="undo" data-id="4">Undo correction 4</);
  t.match(sections.people.text, /a face is not Ada.*data-action="undo" data-id="4"/s);
});

t.test('a place for a picture only where they are allowed, and for a track that goes on', async (t) => {
  const faces = (changes: Partial<Overview>) =>
    overviewSectionsOf(overview(['Ada'], changes), null, 'en').faces.text.match(/<img[^>]*>/g);
  t.equal(faces({}), null);
  t.strictSame(faces({ hasPictures: true }), ['<img class="face" data-track="3" alt="" hidden>']);
  const earlier = overview(['Ada']).faces.map((face) => ({ ...face, track: null }));
  t.equal(faces({ hasPictures: true, faces: earlier }), null);
});
