/* app.js - says who is logged in here */
const answer = await fetch("/session");
document.querySelector("#state").textContent = answer.ok ? `Logged in as ${(await answer.json()).username}.` : "Nobody is logged in here.";
