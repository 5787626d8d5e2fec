// Sends with `facebook-nodejs-business-sdk`, only its host changed; prints what it got as JSON.
// node send.cjs HOST RECEIVER_TOKEN
const sdk = require('facebook-nodejs-business-sdk');

const OPEN = '1001';
const PROVEN = '1002';
Object.defineProperty(sdk.FacebookAdsApi, 'GRAPH', { get: () => process.argv[2] });

const now = () => Math.floor(Date.now() / 1000);

function event(id, change = () => {}) {
  const user = new sdk.UserData().setEmail('Jane.Doe@Example.com').setClientUserAgent('Mozilla/5.0');
  const made = new sdk.ServerEvent()
    .setEventName('Purchase')
    .setEventTime(now() - 60)
    .setEventId(id)
    .setEventSourceUrl('https://shop.example/thank-you')
    .setUserData(user)
    .setCustomData(new sdk.CustomData().setValue(19.99).setCurrency('usd'));
  change(made);
  return made;
}

function request(events, token = 'TOKEN-OPEN', to = OPEN) {
  return new sdk.EventRequest(token, to).setEvents(events);
}

async function told(send) {
  try {
    const answer = await send();
    return { received: answer.events_received, trace: answer.fbtrace_id.length };
  } catch (error) {
    if (!error.response) throw error;
    const { code, error_subcode: subcode, type, is_transient: transient } = error.response;
    const title = error.response.error_user_title ?? null;
    return { status: error.status, code, subcode: subcode ?? null, type, transient, title };
  }
}

// One wrong event each, by what is wrong with it.
function wrongEvents() {
  const custom = (change) => (e) => e.setCustomData(change(new sdk.CustomData()));
  const item = new sdk.Content().setQuantity(1).setItemPrice(19.99);
  const messaging = (e) =>
    e.setEventName('Lead').setActionSource('business_messaging').setMessagingChannel('whatsapp');
  return {
    no_name: (e) => e.setEventName(''),
    too_old: (e) => e.setEventTime(now() - 8 * 86400),
    future: (e) => e.setEventTime(now() + 86400),
    no_value: custom((c) => c.setCurrency('usd')),
    no_money: custom((c) => c.setValue(1)),
    content_without_id: custom((c) => c.setValue(1).setCurrency('usd').setContents([item])),
    nobody: (e) => e.setUserData(new sdk.UserData()),
    messaging,
  };
}

async function failing(kind) {
  const headers = { authorization: `Bearer ${process.argv[3]}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ faults: [{ kind }] });
  await fetch(`${process.argv[2]}/receiver/faults`, { method: 'POST', headers, body });
  return told(() => request([event(`js-${kind}`)]).execute());
}

// Insights, a row a page: the client follows `paging.next` by itself.
async function pages() {
  const asked = { level: 'ad', limit: 1, date_preset: 'maximum' };
  let page = await new sdk.AdAccount('act_77').getInsights(['ad_id'], asked);
  const rows = page.map((row) => row.ad_id);
  while (page.hasNext()) {
    page = await page.next();
    rows.push(...page.map((row) => row.ad_id));
  }
  return { rows };
}

async function main() {
  const sent = (events, ...rest) => told(() => request(events, ...rest).execute());
  const many = Array.from({ length: 120 }, (_, n) => event(`js-batch-${n}`));
  const empty = request([]);
  await new sdk.BatchProcessor(50, 2).processEvents(empty, many);
  const pending = Array.from({ length: 4 }, (_, n) => sent([event(`js-async-${n}`)]));
  const proven = (id, secret) => {
    const one = request([event(id)], 'TOKEN-PROVEN', PROVEN);
    if (secret) one.setAppSecret ? one.setAppSecret(secret) : (one._app_secret = secret);
    return told(() => one.execute());
  };
  const out = {
    one: await sent([event('js-one')]),
    again: await sent([event('js-one')]),
    many: await sent(Array.from({ length: 50 }, (_, n) => event(`js-many-${n}`))),
    async: (await Promise.all(pending))[3],
    tested: await told(() => request([event('js-tested')]).setTestEventCode('TEST1').execute()),
    nothing: await sent([]),
    too_many: await sent(Array.from({ length: 1001 }, (_, n) => event(`js-${n}`))),
    no_dataset: await sent([event('js-x6')], 'TOKEN-OPEN', '1999'),
    wrong_token: await sent([event('js-x7')], 'TOKEN-WRONG'),
    proven: await proven('js-proven', 'clients-app-secret'),
    no_proof: await proven('js-x8', null),
    wrong_proof: await proven('js-x9', 'another-secret'),
    limited: await failing('rate_limit'),
    unknown_error: await failing('500'),
    expired: await failing('token_expired'),
    pages: await pages(),
  };
  for (const [name, change] of Object.entries(wrongEvents())) {
    out[name] = await sent([event('js-ok'), event(`js-${name}`, change)]);
  }
  console.log(JSON.stringify(out));
}

sdk.FacebookAdsApi.init('TOKEN-OPEN', 'en_US', false);
main();
