// Puts the cursor into the question field when a chat is opened and when an answer is complete, for then the field was
// switched off and had lost it. Not on a touch screen, where a keyboard would jump up, nor from another place on the page.
const FREE = '[data-testid="stSidebar"] .st-key-places' // "New chat" was just selected there
const OWN = '[data-testid="stChatInput"]'
// The field may be drawn, switched on or drawn anew a moment later than this: looked at for twenty seconds.
const TRIES = 200
const EVERY_MS = 100

export default function ({ data: [data], parentElement }) {
  if (parentElement.shown === data.id) return
  parentElement.shown = data.id
  if (!data.ready || !window.matchMedia("(hover: hover)").matches) return
  let given = null // the field that has had the cursor
  const look = (tries) => {
    const held = document.activeElement
    const elsewhere = held && held !== document.body && !held.closest(FREE) && !held.closest(OWN)
    if (parentElement.shown !== data.id || elsewhere || tries === 0) return
    const field = document.querySelector(OWN + " textarea")
    if (field && !field.disabled && field !== given) {
      field.focus({ preventScroll: true })
      given = field
    }
    setTimeout(look, EVERY_MS, tries - 1)
  }
  requestAnimationFrame(() => look(TRIES))
}
