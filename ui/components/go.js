// Leaves the page for one of our own doors; `post` first asks a door to do something (signing out).
export default async function ({ data: [data] }) {
  if (data.post) await fetch(data.post, { method: "POST", credentials: "same-origin" })
  const target = new URL(data.to, window.location.origin)
  if (target.origin === window.location.origin) window.location.assign(target)
}
