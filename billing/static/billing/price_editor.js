// The price editor's buttons without a round trip: rules are added, removed and moved on the page. Each works without this as well.
(function () {
    "use strict";

    var form = document.getElementById("price-editor");
    var rules = document.getElementById("rules");
    if (!form || !rules || rules.disabled) { return; }

    function cards() { return Array.prototype.slice.call(rules.querySelectorAll("[data-rule]")); }

    function value(card, name) {
        var field = card.querySelector('[name="r' + card.dataset.rule + "-" + name + '"]');
        return field ? field.value.trim() : "";
    }

    function freeId() {
        return 1 + cards().reduce(function (most, card) { return Math.max(most, parseInt(card.dataset.rule, 10) || 0); }, 0);
    }

    function freeCode(kind) {
        var taken = cards().map(function (card) { return value(card, "code"); });
        for (var n = 1; ; n += 1) {
            var code = n === 1 ? kind : kind + "_" + n;
            if (taken.indexOf(code) < 0) { return code; }
        }
    }

    // What a rule may count: the charges that are worked out before it, by the names that stand in their fields now.
    function offer() {
        var named = cards().map(function (card) {
            return { code: value(card, "code"), title: value(card, "title"), stage: Number(card.dataset.stage) };
        });
        cards().forEach(function (card) {
            var of = card.querySelector("[data-of]");
            if (!of) { return; }
            var chosen = Array.prototype.map.call(of.querySelectorAll("input:checked"), function (box) { return box.value; });
            var fitting = named.filter(function (each) { return each.code && each.stage < Number(card.dataset.stage); });
            var list = of.querySelector(".bi-choices");
            list.textContent = "";
            fitting.forEach(function (each) {
                var label = document.createElement("label"), box = document.createElement("input"), words = document.createElement("span");
                box.type = "checkbox";
                box.name = of.dataset.of;
                box.value = each.code;
                box.checked = chosen.indexOf(each.code) >= 0;
                words.textContent = each.title || each.code;
                label.append(box, " ", words);
                list.append(label);
            });
            if (!fitting.length) {
                var none = document.createElement("span");
                none.className = "rm-sub";
                none.textContent = "No charge comes before it yet.";
                list.append(none);
            }
        });
    }

    function add(kind) {
        var template = document.querySelector('template[data-kind="' + kind + '"]');
        var id = freeId(), code = freeCode(kind);
        var holder = document.createElement("template");
        holder.innerHTML = template.innerHTML.replace(/rNEW-/g, "r" + id + "-").replace(/NEW:/g, id + ":")
            .replace(/"NEW"/g, '"' + id + '"').replace(/rule-NEW/g, "rule-" + id);
        var card = holder.content.querySelector("[data-rule]");
        rules.append(card);
        card.querySelector('[name="r' + id + '-code"]').value = code;
        offer();
        card.scrollIntoView({ block: "center" });
        card.querySelector('[name="r' + id + '-title"]').focus();
    }

    form.addEventListener("click", function (event) {
        var button = event.target.closest("button[data-do]");
        if (!button) { return; }
        event.preventDefault();
        var card = button.closest("[data-rule]"), deed = button.dataset.do;
        if (deed === "add") { add(form.elements.kind.value); return; }
        if (deed === "gone") { card.remove(); }
        if (deed === "up" && card.previousElementSibling) { card.previousElementSibling.before(card); button.focus(); }
        if (deed === "down" && card.nextElementSibling) { card.nextElementSibling.after(card); button.focus(); }
        offer();
    });

    rules.addEventListener("change", function (event) {
        if (/-(code|title)$/.test(event.target.name || "")) { offer(); }
    });
})();
