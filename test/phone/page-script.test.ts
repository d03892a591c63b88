// The script of the page in a real browser, against a real listener whose sections the test controls.
import t from 'tap';
import { html } from '../../src/phone/html.js';
import { startListener } from '../../src/phone/listener.js';
import { newSecret } from '../../src/phone/seal.js';
import { noBrowser, openPhone } from './browser.js';

t.setTimeout(120_000);

/** As the list of faces: a button inside of details. */
const faces = (text: string) =>
  html`<h2 tabindex="-1">Faces</h2><p>${text}</p><details id="face-1"><summary id="correct-1">Not Ada?</summary><button type="button" id="not-1" data-action="not">Not Ada</button></details>`;

t.test(
  'a button that changes its section only later closes its details, so that the section goes on',
  {
    skip: noBrowser,
  },
  async (t) => {
    let text = 'Ada';
    const asked: string[] = [];
    await using listener = await startListener({
      addresses: ['127.0.0.1'],
      secret: newSecret(),
      page: {
        sections: ['faces'],
        title: () => 'Test',
        answer: ({ action }) => {
          asked.push(action);
          return { sections: { faces: faces(text) }, say: null, againMs: 50 };
        },
      },
    });
    const { page, complaints } = await openPhone(listener.address);
    await page.getByText('Not Ada?').click();
    await page.getByRole('button', { name: 'Not Ada' }).focus();
    text = 'Ada again';
    const before = asked.length;
    for (let waits = 0; asked.length < before + 5 && waits < 200; waits++) await page.waitForTimeout(50);
    t.equal(await page.locator('p', { hasText: 'Ada again' }).count(), 0, 'a section in use does not change');
    text = 'Ada';
    await page.getByRole('button', { name: 'Not Ada' }).click();
    await page.getByRole('button', { name: 'Not Ada' }).waitFor({ state: 'hidden' });
    t.ok(asked.includes('not'));
    t.equal(await page.evaluate('document.activeElement.id'), 'correct-1', 'the focus stays near');
    text = 'nobody';
    await page.getByText('nobody').waitFor();
    t.equal(await page.evaluate('document.activeElement.id'), 'correct-1');
    t.strictSame(complaints, []);
  },
);
