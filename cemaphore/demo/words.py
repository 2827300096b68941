"""What people write when they complain or answer a survey, in Chinese and English (invented)."""

COMPLAINTS = {
    "network": (
        "今天手机信号很差，网页打不开，视频一直卡。",
        "这里上网特别慢，打电话也断断续续，请尽快处理。",
        "从刚才开始一直没有网络，已经影响工作了。",
        "Mobile data is unusable here, pages time out and calls drop.",
        "The network has been extremely slow for hours, video keeps buffering.",
        "信号满格但是上不了网，什么情况？",
    ),
    "app": (
        "{app} 一直加载失败，其他软件都正常。",
        "用 {app} 打开很慢，转圈半天，是不是你们网络的问题？",
        "{app} keeps failing to load while everything else works.",
        "I cannot use {app}, it shows a server error again and again.",
    ),
    "device": (
        "手机系统更新之后上网老是断，软件经常闪退。",
        "昨天升级以后手机用流量就死机，换地方也一样。",
        "Since the update my phone loses data and apps crash all the time.",
        "My phone freezes when it goes online, friends next to me are fine.",
    ),
    "service": (
        "客服热线打了很多次都没人接，等了半个多小时。",
        "打热线排队太久，好不容易接通又被挂断。",
        "I waited forever on the hotline and then was cut off.",
        "Nobody answers the hotline, my question is still open.",
    ),
    "installation": (
        "预约的宽带安装师傅没有来，也没有人通知。",
        "装机一拖再拖，已经等了一个多星期了。",
        "The installer did not show up and nobody called.",
        "My installation has been postponed again and again.",
    ),
    "billing": (
        "这个月账单多扣了费用，请核实。",
        "套餐外流量费不合理，我没有开通这个业务。",
        "I was charged twice this month, please check my bill.",
        "There is a fee on my bill that I never agreed to.",
    ),
}

SURVEYS = {
    "low": ("网络经常卡，不推荐。", "Too many problems lately.", "等待时间太长。"),
    "middle": ("还可以。", "It is okay.", ""),
    "high": ("网速很快，很满意。", "Works well for me.", "服务态度好。", ""),
}
