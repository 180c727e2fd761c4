// Times in the viewer's zone, and what a polled part must not forget: which details are open, where the log stands.
(function () {
    "use strict";

    if (window.htmx) {
        // The content security policy takes no styles that scripts write, and htmx need not run text as script.
        window.htmx.config.includeIndicatorStyles = false;
        window.htmx.config.allowEval = false;
    }

    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    var cookie = "roundsman_zone=" + encodeURIComponent(zone);
    if (zone && document.cookie.indexOf(cookie) < 0) {
        // From the next request on the server writes this zone itself (queues.admin.viewer_zone).
        document.cookie = cookie + "; path=/; max-age=31536000; samesite=lax" + (location.protocol === "https:" ? "; secure" : "");
    }

    var format = new Intl.DateTimeFormat("en-GB", {
        day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"
    });

    function localise(root) {
        root.querySelectorAll("time.rm-time").forEach(function (element) {
            var at = new Date(element.getAttribute("datetime"));
            if (isNaN(at)) { return; }
            var part = {};
            format.formatToParts(at).forEach(function (p) { part[p.type] = p.value; });
            var year = String(new Date().getFullYear()) === part.year ? "" : " " + part.year;
            var text = part.day + " " + part.month.slice(0, 3) + year + " " + part.hour + ":" + part.minute + ":" + part.second;
            if (element.textContent !== text) { element.textContent = text; }
        });
    }

    var open = [], scrolled = {};

    document.addEventListener("DOMContentLoaded", function () {
        localise(document);

        document.body.addEventListener("htmx:beforeSwap", function (event) {
            if (/<html[\s>]/i.test(event.detail.xhr.responseText.slice(0, 2000))) {
                // a whole page where a part was asked for: the session has ended
                event.detail.shouldSwap = false;
                location.reload();
                return;
            }
            open = [];
            document.querySelectorAll("details[id][open]").forEach(function (element) { open.push(element.id); });
            scrolled = {};
            document.querySelectorAll(".rm-log[id]").forEach(function (element) { scrolled[element.id] = element.scrollTop; });
        });

        document.body.addEventListener("htmx:afterSwap", function () {
            localise(document);
            open.forEach(function (id) {
                var element = document.getElementById(id);
                if (element) { element.open = true; }
            });
            Object.keys(scrolled).forEach(function (id) {
                var element = document.getElementById(id);
                if (element && scrolled[id] < -4) { element.scrollTop = scrolled[id]; }
            });
        });
    });
})();
