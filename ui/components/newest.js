// Brings the newest question to the top of the page when it is asked or its chat is opened, and keeps it there while the
// answer below it grows. A person who scrolls, selects or presses a key on the page is left alone from then on.
const ROOM_PX = 64 // the header lies over the top of the page
const COMPOSER = '[data-testid="stBottom"]'

const toTop = (main) => {
  const question = [...main.querySelectorAll('.st-key-chat [class*="st-key-question-"]')].pop()
  if (!question) return
  main.scrollTop += question.getBoundingClientRect().top - main.getBoundingClientRect().top - ROOM_PX
}

const follow = (main) => {
  const done = new AbortController()
  const grown = new ResizeObserver(() => toTop(main))
  grown.observe(main.querySelector('[data-testid="stMainBlockContainer"]'))
  done.signal.addEventListener("abort", () => grown.disconnect())
  const leave = (event) => {
    if (!event.target.closest(COMPOSER)) done.abort() // the next question may be typed meanwhile
  }
  for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    main.addEventListener(name, leave, { passive: true, signal: done.signal })
  }
  return done
}

export default function ({ data: [data], parentElement }) {
  const main = document.querySelector('[data-testid="stMain"]')
  if (main && parentElement.shown !== data.id) {
    parentElement.shown = data.id
    parentElement.following?.abort()
    parentElement.following = follow(main)
  }
  return () => parentElement.following?.abort()
}
