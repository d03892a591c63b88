// A headless Chromium with the window of a phone, for the pages. Where there is no Chromium, tests skip and say so.
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import t from 'tap';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));

/** Why the tests skip; false where they can run. */
export const noBrowser: false | string = executablePath === undefined ? 'there is no /usr/bin/chromium' : false;

let browser: Promise<Browser> | null = null;
t.teardown(async () => (await browser)?.close());

/** A phone of its own: another one shares nothing with it. */
export async function openPhone(
  address: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ readonly page: Page; readonly context: BrowserContext; readonly complaints: string[] }> {
  browser ??= chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  const context = await (await browser).newContext({
    viewport: { width: 390, height: 844 },
    deviceScaleFactor: 2,
    hasTouch: true,
    locale: 'en-GB',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) complaints.push(message.text());
  });
  await page.goto(address).catch((error: Error) => complaints.push(error.message));
  return { page, context, complaints };
}
