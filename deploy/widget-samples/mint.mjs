// Sign who a visitor is, with nothing but Node. Run on the site's server, never in a page.
//
//     INHOUSE_SECRET=wsk_... node mint.mjs WIDGET_ID VISITOR_ID [NAME] [GROUP ...]
import { createHmac, randomBytes } from 'node:crypto'

// Returns a token for one visitor; it is good once, for two minutes.
export function mint(secret, widgetId, visitorId, name = '', groups = []) {
  const now = Math.floor(Date.now() / 1000)
  const header = { alg: 'HS256', typ: 'JWT', kid: secret.replace('wsk_', '').split('.')[0] }
  const claims = { aud: widgetId, sub: visitorId, name, groups, iat: now, exp: now + 120, jti: randomBytes(16).toString('hex') }
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const [widgetId, visitorId, name, ...groups] = process.argv.slice(2)
if (widgetId) console.log(mint(process.env.INHOUSE_SECRET, widgetId, visitorId, name, groups))
