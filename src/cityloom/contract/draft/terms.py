"""Words of Chinese headers with their English, and words that tell what a column is."""

from typing import Final


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.split())


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CHINESE: Final = _pairs(
    """
    姓名=name 姓=surname 名=given_name 名称=name 全称=full_name 简称=short_name 曾用名=former_name
    英文名=english_name 户主=householder 法定代表人=legal_representative 法人=legal_representative
    负责人=person_in_charge 联系人=contact 申请人=applicant 经办人=handler 权利人=right_holder
    产权人=owner 业主=owner 承租人=tenant 租客=tenant 出租人=landlord 监护人=guardian 学生=pupil
    配偶=spouse 父亲=father 母亲=mother 子女=child 居民=resident 人员=person 单位=organisation
    身份证号码=resident_number 身份证号=resident_number 身份证=resident_number
    公民身份号码=resident_number 居民身份证号=resident_number 证件号码=document_number
    证件号=document_number 证件类型=document_type 护照号=passport_number 护照=passport
    户口=household_register 户籍=household_register 户号=household_number 户籍地=registered_place
    性别=sex 年龄=age 出生日期=birth_date 出生年月=birth_month 生日=birth_date 出生地=birth_place
    籍贯=native_place 国籍=nationality 婚姻状况=marital_status 学历=education 职业=occupation
    与户主关系=relation_to_householder 关系=relation 电话=phone 联系电话=phone 手机=mobile
    手机号=mobile 手机号码=mobile 电话号码=phone 固定电话=landline 传真=fax 邮箱=email
    电子邮箱=email 电子邮件=email 微信=wechat 地址=address 住址=address 现住址=current_address
    详细地址=full_address 通讯地址=postal_address 注册地址=registered_address 门牌号=house_number
    门牌=house_number 房号=room_number 房间号=room_number 楼栋=building 栋=building 楼层=floor
    单元=unit_entrance 邮编=postcode 邮政编码=postcode 省=province 省份=province 市=city 城市=city
    区=district 区县=district 县=county 行政区=district 行政区划=administrative_division
    区划=administrative_division 街道=subdistrict 镇=town 乡=township 社区=community 村=village
    小区=estate 网格=grid_cell 片区=area 道路=road 路名=road_name 街区=block 地块=parcel
    宗地=parcel 位置=location 地点=place 经度=longitude 纬度=latitude 坐标=coordinates
    高程=elevation 海拔=elevation 几何=geometry 建筑=building 建筑物=building 房屋=house
    楼宇=building 房产=property 不动产=property 用途=use 用地=land_use 结构=structure 高度=height
    长度=length 宽度=width 面积=area 建筑面积=floor_area 占地面积=site_area 用地面积=site_area
    层数=storeys 建成年份=built_year 年份=year 年度=year 月份=month 日期=date 时间=time 年=year
    月=month 日=day 小时=hour 开始=start 结束=end 创建=created 更新=updated 修改=modified
    登记=registration 注册=registration 成立=founding 发证=issue 签发=issue 有效期=validity
    到期=expiry 截止=end 办结=closed 受理=accepted 申请=application 审批=approval 上报=reported
    提交=submitted 发布=published 采集=collection 入学=enrolment 毕业=graduation 迁入=moved_in
    迁出=moved_out 签订=signing 起租=lease_start 统一社会信用代码=credit_code
    社会信用代码=credit_code 组织机构代码=organisation_code 企业=company 公司=company
    机构=organisation 商户=business 行业=industry 经营范围=business_scope 经营=business
    注册资本=registered_capital 资本=capital 状态=status 类型=kind 类别=category 分类=category
    种类=kind 性质=nature 等级=grade 级别=level 编号=number 编码=code 代码=code 号=number
    号码=number 序号=serial 主键=key 标识=identifier 唯一=unique 流水号=serial_number
    许可证=permit 证书=certificate 合同=contract 项目=project 案件=case 事件=event 工单=request
    诉求=request 投诉=complaint 来源=source 渠道=channel 部门=department 科室=office 学校=school
    年级=year_group 班级=class 学号=pupil_number 医院=hospital 医保=health_insurance 参保=insured
    缴费=contribution 金额=amount 价格=price 单价=unit_price 总价=total_price 租金=rent
    押金=deposit 费用=fee 税=tax 数量=count 人数=people 人口=population 户数=households 总数=total
    次数=times 比例=share 占比=share 率=rate 密度=density 指标=indicator 值=value 内容=content
    标题=title 描述=description 说明=description 备注=remarks 结果=result 原因=reason 意见=opinion
    是否=is 有无=has 有效=valid 车牌号=plate_number 车牌=plate 车辆=vehicle 设备=device 型号=model
    品牌=brand 摄像头=camera 传感器=sensor 基站=base_station 站点=station 线路=line
    温度=temperature 湿度=humidity 速度=speed 流量=flow 方向=direction 版本=version 格式=format
    常住=resident 流动=floating 总=total 平均=mean 最大=maximum 最小=minimum 新=new 原=former
    所属=owning 所在=located 主管=competent 联系=contact 本人=own 起=start 止=end 信息=information
    """
)
"""Terms of administration; a longer header is put together from them."""

UNITS: Final = _pairs(
    """
    平方米=m2 平米=m2 ㎡=m2 m²=m2 m2=m2 sqm=m2 平方公里=km2 平方千米=km2 km²=km2 km2=km2 公顷=ha
    ha=ha 亩=mu 米=m m=m 公里=km 千米=km km=km 厘米=cm cm=cm 毫米=mm mm=mm 立方米=m3 m³=m3 m3=m3
    吨=t 千克=kg 公斤=kg kg=kg 元=CNY 万元=10000_CNY 亿元=100000000_CNY 人=person 户=household
    个=1 辆=1 次=1 %=% ％=% percent=% pct=% 度=degree deg=degree ℃=degC °C=degC celsius=degC
    小时=h hours=h h=h 分钟=min min=min minutes=min 秒=s seconds=s sec=s s=s 毫秒=ms ms=ms 天=d
    days=d 岁=a years=a 年=a km/h=km/h m/s=m/s kwh=kWh kWh=kWh 千瓦时=kWh kw=kW kW=kW 分贝=dB
    dB=dB db=dB usd=USD cny=CNY eur=EUR
    """
)
"""How units are written in headers, and how a contract writes them."""

RENUMBERED: Final = frozenset({"fid", "ogc_fid", "objectid", "gid"})
"""Names of the numbers that programs for geodata give to rows, anew at each export."""

ABBREVIATIONS: Final = _pairs(
    "lon=longitude lng=longitude long=longitude lat=latitude pop=population addr=address "
    "tel=phone qty=quantity amt=amount desc=description cnt=count"
)
"""English abbreviations that are written out when they are a whole header."""

IDENTIFYING: Final = _words(
    """id ids code key uid uuid guid geoid fips zip zipcode postcode postal phone mobile fax ssn
    iban isbn plate serial vin oid fid gid adcode citycode"""
)
"""Words that make a column an identifier wherever they stand in its name."""

IDENTIFYING_AT_END: Final = _words("no nr number identifier ref reference")
"""Words that make a column an identifier at the end of its name."""

COUNTED: Final = _words(
    """population count counts num total people households quantity area length width height
    distance floor_area site_area storeys amount price rent fee cost volume weight speed
    duration age capacity floors levels hours minutes seconds density"""
)
"""Words that make a number a count or a measure, which is not negative."""

MEASURED: Final = _words("area length width height distance volume weight speed duration")
"""Words of measures, which need a unit."""

LATITUDES: Final = _words("latitude lat y")
LONGITUDES: Final = _words("longitude lon lng x")
SHARES: Final = _words("score share rate ratio probability")
PERCENTS: Final = _words("pct percent percentage")
MONEY: Final = _words("amount price rent fee cost deposit tax capital balance")

TIMED: Final = _words("time date timestamp ts at created updated modified when start end")
"""Words that make a large whole number a moment in Unix time."""

NAMED: Final = _words(
    """first_name firstname given_name givenname forename surname last_name lastname family_name
    full_name fullname middle_name maiden_name person_name applicant_name owner_name
    contact_name householder legal_representative contact applicant guardian_name former_name
    nickname"""
)
SEXED: Final = _words("sex gender")
BORN: Final = _words("dob birth born birthday birthdate birth_date")
CALLED: Final = _words("phone mobile telephone landline cellphone fax wechat")
MAILED: Final = _words("email mail")
HOUSED: Final = _words(
    """address addr street_number house_number room_number address_1 address_2 residence
    current_address full_address postal_address registered_place"""
)
NUMBERED: Final = _words(
    """resident_number document_number passport_number ssn soc_sec_id social_security passport
    national_id id_card tax_id"""
)
PLACED: Final = _words("lat latitude lon lng longitude x y location coordinates")
"""Words of columns that tell where something is."""

PLATED: Final = _words("plate plate_number licence_plate license_plate")

SURNAMES: Final = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任"
    "卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫雷龙史陶贺毛段郝顾龚邵万覃武钱戴严莫孔向汤"
)
"""Frequent surnames."""

PLACE_ENDINGS: Final = tuple(
    _words("街道 路 街 巷 区 市 县 镇 乡 村 社区 大厦 花园 小区 公司 学校 医院 中心 站")
)
"""How names of places and organisations end, and those of people do not."""
