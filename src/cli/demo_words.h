/* SPDX-License-Identifier: Apache-2.0 */
/* What the demo says, in English and Chinese. */
#ifndef CLI_DEMO_WORDS_H
#define CLI_DEMO_WORDS_H

/* X(NAME, "en", "zh"); the ones with a verb take the same arguments in both. */
#define DEMO_WORDS(X) \
    X(STAGE_VISIT, "Visit", "访问") \
    X(STAGE_CART, "Cart", "加购") \
    X(STAGE_CHECKOUT, "Checkout", "结账") \
    X(STAGE_PAID, "Paid", "支付") \
    X(STORY_COUPON, "the coupon of the ads is refused at payment", "广告里的优惠券在支付时被拒绝") \
    X(STORY_BUTTON, "on phones the checkout button is off the screen", "手机上看不到“去结账”按钮") \
    X(TITLE, "funneld demo: the funnel of a shop", "funneld 演示：一家网店的漏斗") \
    X(SPEED, "event time runs %.0f times as fast as the clock", "事件时间是时钟的 %.0f 倍") \
    X(BROKER, "broker: ", "消息代理：") \
    X(DAEMON, "daemon: ", "守护进程：") \
    X(TOPICS, "topics: ", "主题：") \
    X(BROKER_IS, "librdkafka's mock cluster, kept in memory", "librdkafka 的模拟集群，只在内存中") \
    X(HISTORY, "%lld hours of history in one burst", "一次性写入 %lld 小时的历史") \
    X(LIVE, "live from here", "由此开始实时") \
    X(BEGINS, "INCIDENT BEGINS: ", "故障开始：") \
    X(ENDS, "INCIDENT ENDS", "故障结束") \
    X(FALLS, " (%s: %.0f %% → %.0f %%)", "（%s：%.0f%% → %.0f%%）") \
    X(FIRING, "FIRING", "告警") \
    X(RESOLVED, "RESOLVED", "恢复") \
    X(UPDATED, "UPDATED", "更新") \
    X(MOVED, "GOES ON AS", "改为") \
    X(EVIDENCE, \
      "%lld conversions since, of about %.0f expected; evidence %.1f, the budget asks for %.1f", \
      "此后转化 %lld 次，预期约 %.0f 次；证据强度 %.1f，误报预算要求 %.1f") \
    X(SPAN, "the last %lld event minutes", "最近 %lld 分钟（事件时间）") \
    X(CLOCK, "event time", "事件时间") \
    X(COUNTS, "%lld events, %lld visitors, %lld dead letters", \
      "%lld 个事件，%lld 位访客，%lld 个死信") \
    X(ALERTS, "Alerts on %s", "%s 上的告警") \
    X(NO_ALERTS, "none yet", "暂无") \
    X(NORMAL, "script: all is well; the next incident begins at %s", \
      "脚本：一切正常；下一次故障始于 %s") \
    X(BROKEN, "script, until %s: %s", "脚本，至 %s：%s") \
    X(HINT, "Ctrl-C ends it. The configuration: funneld demo --print-config", \
      "按 Ctrl-C 结束。配置见：funneld demo --print-config") \
    X(NO_REPORT, "waiting for the daemon's figures", "等待守护进程的数据") \
    X(DONE_OK, \
      "The incident's alert fired %lld event minutes after it began and resolved %lld after it ended.", \
      "故障开始 %lld 分钟后告警触发，故障结束 %lld 分钟后告警恢复（事件时间）。") \
    X(DONE_ONSET, "It says that the change began at %s; the script's began at %s.", \
      "告警称变化始于 %s；脚本中始于 %s。") \
    X(DONE_LOSS, \
      "It puts the loss at %.0f conversions, worth %s; the script took %lld, worth %lld.%02d.", \
      "告警估计损失转化 %.0f 次，金额 %s；脚本实际使 %lld 次落空，金额 %lld.%02d。") \
    X(DONE_COUNTS, "%lld events, %.0f seconds.", "%lld 个事件，用时 %.0f 秒。") \
    X(STOPPED, "Stopped.", "已停止。")

enum demo_word {
#define DEMO_WORDS_ENUM(name, en, zh) WORD_##name,
    DEMO_WORDS(DEMO_WORDS_ENUM)
#undef DEMO_WORDS_ENUM
};

enum demo_language { DEMO_EN, DEMO_ZH };

/* A printf format for those with a verb. */
const char *demo_word(enum demo_language language, enum demo_word word);

#endif
